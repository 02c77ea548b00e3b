package demo

var givenNames = []string{
	"Amara", "Anton", "Beatriz", "Björn", "Chiara", "Clément", "Daria", "David", "Elif", "Emil", "Fatima", "Felix", "Giulia",
	"Grace", "Hana", "Henrik", "Ines", "Ivan", "Jana", "João", "Kamala", "Karl", "Leila", "Luca", "Mariam", "Mateusz", "Nadia",
	"Noah", "Olga", "Oskar", "Paula", "Pierre", "Rosa", "Samuel", "Sofia", "Tariq", "Tove", "Valentin", "Wanda", "Yuki", "Zoë",
}

var familyNames = []string{
	"Adeyemi", "Albrecht", "Andersen", "Bianchi", "Brandt", "Carvalho", "Castillo", "Dvořák", "Eriksson", "Fischer", "Fontaine",
	"Georgiou", "Haddad", "Hoffmann", "Ivanova", "Jansen", "Keller", "Kowalski", "Laurent", "Lindqvist", "Marchetti", "Mendes",
	"Moreau", "Nakamura", "Novák", "O'Brien", "Okafor", "Petrov", "Popescu", "Rahman", "Ricci", "Santos", "Schneider", "Silva",
	"Tanaka", "Vasquez", "Vermeulen", "Wójcik", "Yılmaz", "Zimmermann",
}

// nicknames are what some users call themselves, with a number where the name was taken.
var nicknames = []string{
	"bean_counter", "kettle.on", "mossy", "northwind", "paperclip", "quietcook", "rainyday", "sourdough", "third_cup", "windowsill",
	"almostvegan", "inkstain", "gravelrider", "tinytent", "oldoak",
}

// places people live at: city, first digits of the postal code, country, and a street pattern in the country's order.
var places = []struct {
	city, code, country string
	streets             []string
}{
	{"Berlin", "10%03d", "DE", []string{"Wiener Straße %d", "Torstraße %d", "Oderberger Straße %d"}},
	{"Hamburg", "22%03d", "DE", []string{"Bahrenfelder Straße %d", "Lange Reihe %d"}},
	{"Lyon", "69%03d", "FR", []string{"%d rue Mercière", "%d quai Saint-Vincent"}},
	{"Paris", "75%03d", "FR", []string{"%d rue des Martyrs", "%d rue Oberkampf"}},
	{"Porto", "4%03d-017", "PT", []string{"Rua das Flores %d", "Rua de Cedofeita %d"}},
	{"Wien", "1%03d", "AT", []string{"Neubaugasse %d", "Praterstraße %d"}},
	{"Torino", "10%03d", "IT", []string{"Via Po %d", "Corso Vittorio Emanuele II %d"}},
	{"Kraków", "31-%03d", "PL", []string{"ul. Długa %d", "ul. Józefa %d"}},
	{"Göteborg", "411 %02d", "SE", []string{"Haga Nygata %d", "Linnégatan %d"}},
	{"Utrecht", "35%02d GK", "NL", []string{"Oudegracht %d", "Biltstraat %d"}},
	{"Bern", "3%03d", "CH", []string{"Kramgasse %d", "Länggassstrasse %d"}},
	{"Leeds", "LS6 %dBR", "GB", []string{"%d Hyde Park Road", "%d Otley Road"}},
}

// opinion is what a review says. Both may be missing: some people only give stars.
type opinion struct{ title, body string }

// opinions by stars: good for four and five, fair for three, poor for one and two.
var opinions = struct{ good, fair, poor []opinion }{
	good: []opinion{
		{"Exactly right", "Does what it says, and looks good doing it."},
		{"Bought a second one", "The first was a present to myself, the second is for my sister. She has already asked for it twice."},
		{"Worth the money", "I looked at cheaper ones for weeks. Should have saved the weeks."},
		{"", "Arrived in two days, packed in paper, no plastic anywhere. And the thing itself is lovely."},
		{"After a year", "In use every day for a year now and still like new."},
		{"Small, but well made", "It's a bit smaller than I had pictured. The workmanship is excellent, so I'm keeping it."},
		{"A present that landed", "My father never says anything about presents. He said something about this one."},
		{"Good service too", "Had a question about care and got an answer from a human within the hour."},
		{"", "Five stars. I'd give the colour six."},
		{"Better than the photo", ""},
		{"My third from this shop", "Same quality as always. They even put in a handwritten card."},
		{"Honest product", "No app, no battery, no nonsense."},
	},
	fair: []opinion{
		{"Fine", "Nothing wrong with it. For this price I had hoped for a little more."},
		{"Good, but slow", "The product is good. It took eleven days to get here."},
		{"", "The colour is darker than on the screen. I got used to it."},
		{"Depends", "Great on weekends, too fiddly on a Monday morning."},
		{"Wait for the sale", "Bought it, then saw it 20 % off a week later."},
		{"Packaging", "So much cardboard for such a small thing. The thing itself is okay."},
	},
	poor: []opinion{
		{"Sent it back", "One corner was damaged when it arrived. The refund took two weeks."},
		{"Not what I expected", "Feels lighter than I thought, and not in a good way."},
		{"", "Broke after a month. I have written to the seller and am waiting."},
		{"Wrong variant", "I got another one than I had ordered. Twice."},
		{"Disappointed", "The older version was better. Why change it?"},
	},
}

// praise is what people say about the products of one shelf.
var praise = map[string][]opinion{
	"COFFEE": {
		{"My morning, solved", "One look at the kitchen at seven in the morning, and I know it will be all right."},
		{"Sweet even without sugar", "My partner has stopped putting sugar into the cup. That says it all."},
		{"Barista approved", "I work in a café, and this is what I use at home."},
		{"Balanced", "Clean cup, nothing bitter, and it forgives a grind that is a little off."},
	},
	"KITCHEN": {
		{"Sunday roast", "Everything browns evenly. The neighbours came to ask what smells so good."},
		{"For life", "I shall leave it to my children, and they had better look after it."},
		{"Easy to clean", "Hot water, a brush, done."},
		{"Weight in the hand", "Heavy where it should be. You notice at the first cut."},
	},
	"HOME": {
		{"The flat looks finished", "It's the one thing that was missing in this corner."},
		{"Warm", "Warm light, warm colour, warm feet."},
		{"Soft from the first day", "And it stayed soft after ten washes."},
		{"Guests ask about it", "Every single one of them."},
	},
	"GARDEN": {
		{"Through clay", "We have heavy clay here. It goes through like butter."},
		{"First harvest", "Eleven radishes! I have never been so proud of anything."},
		{"Survived the winter", "Minus twelve for a week, and not a crack."},
		{"The bees found it", "Within two days. I counted five kinds."},
	},
	"OUTDOOR": {
		{"Dry in Scotland", "Nine days of rain, and everything inside was dry."},
		{"Light enough", "I forgot that it was in the bag until I needed it."},
		{"Two summers", "From the Tatra to the Pyrenees, and no seam has opened."},
		{"Mended for free", "Tore it on a fence. Sent it in, got it back mended, no questions."},
	},
	"STATIONERY": {
		{"No bleeding", "Not even with the broad nib and the wettest ink I have."},
		{"I write letters again", "It's the paper's fault."},
		{"Left-handed and happy", "At last something that was not an afterthought."},
		{"For the desk, for good", "Small, heavy, does one thing."},
	},
}

var questions = []struct {
	text    string
	answers []string
}{
	{"Does this fit into a parcel locker?", []string{"Mine came in one.", "The large variant doesn't."}},
	{"Is there a spare part if it breaks?", []string{"Yes, the shop sent me one for three euros."}},
	{"How long is delivery to Norway?", nil},
	{"Can it go into the dishwasher?", []string{"It says no, I do it anyway.", "Please don't. Mine went dull."}},
	{"Is it made in Europe?", []string{"The label says so."}},
	{"What's the difference to last year's model?", []string{"Only the colour, as far as I can see."}},
	{"Would you give this to a ten-year-old?", nil},
	{"Does it smell when it is new?", []string{"A day or two, then it's gone."}},
}

var captions = []string{
	"First morning with it.", "In its new place.", "", "The cat approves.", "After three years of use.", "Found the right spot.", "", "Before and after.",
}

var orderNotes = []string{
	"Please leave it with the neighbour on the ground floor.", "It's a present: no invoice in the parcel, please.",
	"The bell does not work, please knock.", "Ring twice.", "Deliver after 17:00 if possible.",
}
