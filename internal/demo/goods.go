package demo

// good is a line of the assortment: one product for each of its variants.
type good struct {
	name     string
	text     string
	from, to int      // price in euros, of the cheapest and the dearest variant
	grams    int      // weight of the parcel; 0 when nobody has measured it
	attrs    string   // JSON, or empty
	variants []string // what the label says after the name
}

// assortment is what the shop sells, shelf by shelf, in the order of the catalogue.
var assortment = []struct {
	category, prefix string
	goods            []good
}{
	{"COFFEE", "COF", []good{
		{"Yirgacheffe, washed", "Jasmine and bergamot, from small farms above 1,900 metres.", 11, 38, 260, `{"roast":"light","origin":"Ethiopia","altitude":{"from":1900,"to":2150},"process":"washed"}`, []string{"250 g", "500 g", "1 kg"}},
		{"Huila, honey process", "Round and sweet, with plum and brown sugar. Good as espresso, better as filter.", 10, 34, 260, `{"roast":"medium","origin":"Colombia","altitude":{"from":1650,"to":1800},"process":"honey"}`, []string{"250 g", "500 g", "1 kg"}},
		{"House espresso", "Two parts Brazil, one part India. Chocolate, hazelnut and a crema that stays.", 9, 29, 270, `{"roast":"dark","origin":["Brazil","India"],"process":null}`, []string{"250 g", "500 g", "1 kg"}},
		{"Decaf Santos", "Decaffeinated with water and carbon dioxide. Tastes of coffee.", 10, 31, 260, `{"roast":"medium","origin":"Brazil","decaffeinated":true}`, []string{"250 g", "1 kg"}},
		{"Gooseneck kettle", "Pours a thread of water where you want it. Holds the temperature for an hour.", 69, 75, 1450, `{"litres":0.9,"watts":1200,"temperatures":[80,88,93,96]}`, []string{"steel", "matt black", "white"}},
		{"Hand grinder", "Conical steel burrs, 36 clicks, thirty seconds for a double espresso.", 69, 129, 620, `{"burrs":"steel","clicks":36}`, []string{"35 g", "50 g"}},
		{"Filter cone", "Porcelain from Arita with twelve ribs, so that the water finds its way.", 19, 28, 480, "", []string{"one cup", "two cups", "four cups"}},
		{"Paper filters", "Oxygen bleached, a hundred in a box.", 5, 7, 140, "", []string{"size 1", "size 2", "size 4"}},
		{"Moka pot", "The six-sided one that every Italian kitchen has, with a safety valve that can be cleaned.", 24, 44, 700, `{"material":"aluminium","induction":false}`, []string{"three cups", "six cups", "nine cups"}},
		{"French press", "Double-walled steel: the coffee stays hot while you read the paper.", 35, 49, 980, `{"material":"steel","dishwasher":true}`, []string{"0.35 l", "1 l"}},
		{"Coffee scale", "Weighs to a tenth of a gram and has a timer. Charges by USB-C.", 39, 59, 410, `{"precision":0.1,"max":2000}`, []string{"black", "white"}},
		{"Espresso cups", "Thick walls, small handle. A set of four with saucers.", 26, 32, 1300, `{"pieces":8,"dishwasher":true}`, []string{"white", "ochre", "petrol", "slate"}},
	}},
	{"KITCHEN", "KIT", []good{
		{"Chef's knife", "Carbon steel, full tang, walnut handle. Wants to be wiped dry.", 79, 119, 430, `{"steel":"C75","hardness":60}`, []string{"18 cm", "21 cm", "24 cm"}},
		{"Paring knife", "For everything that is done in the hand.", 24, 29, 140, `{"steel":"X50CrMoV15","hardness":56}`, []string{"8 cm", "10 cm"}},
		{"Cast-iron skillet", "Seasoned with linseed oil. Heavy, and better every year.", 34, 64, 2600, `{"induction":true,"oven":true}`, []string{"20 cm", "24 cm", "28 cm"}},
		{"Enamel casserole", "Goes from the stove into the oven and on to the table.", 89, 159, 4300, `{"induction":true,"oven":true}`, []string{"3.5 l", "5 l", "6.7 l"}},
		{"End-grain board", "Oak, oiled, with rubber feet. Kind to knives.", 49, 79, 2900, "", []string{"small", "large"}},
		{"Mixing bowls", "Three bowls with lids, one inside the other.", 32, 38, 1500, `{"pieces":3,"dishwasher":true}`, []string{"steel", "sage", "cream"}},
		{"Pepper mill", "Beech with a ceramic grinder that never goes blunt.", 29, 42, 390, "", []string{"15 cm", "22 cm", "30 cm"}},
		{"Bread tin", "Blued steel. The loaf comes out by itself.", 18, 24, 850, "", []string{"500 g", "1 kg"}},
		{"Baking sheet", "Does not warp at 280 degrees.", 16, 22, 1100, "", []string{"half", "full"}},
		{"Tea towels", "Half linen, waffle weave, a loop at the corner. A set of three.", 19, 21, 330, `{"pieces":3,"wash":60}`, []string{"blue stripe", "red stripe", "natural"}},
		{"Salad spinner", "With a string instead of a crank, and a brake.", 27, 34, 1200, "", []string{"small", "large"}},
		{"Kitchen scale", "Slim, glass, goes up to ten kilograms.", 25, 29, 560, `{"precision":1,"max":10000}`, []string{"white", "black", "mint"}},
	}},
	{"HOME", "HOM", []good{
		{"Desk lamp", "One arm, two joints, warm light without flicker.", 69, 79, 1900, `{"lumens":620,"kelvin":2700,"dimmable":true}`, []string{"black", "brass", "signal red"}},
		{"Floor lamp", "An oak stem and a linen shade. The switch is where your foot is.", 139, 159, 5200, `{"lumens":900,"kelvin":2700,"dimmable":false}`, []string{"natural", "grey"}},
		{"Wool blanket", "Woven in one piece from the wool of mountain sheep.", 89, 119, 1400, `{"wool":100,"wash":30}`, []string{"moss", "sand", "night blue"}},
		{"Linen bedding", "Washed soft. Cool in summer, warm in winter, needs no ironing.", 119, 169, 1800, `{"linen":100,"wash":60}`, []string{"135 × 200", "155 × 220", "200 × 200"}},
		{"Bath towel", "Six hundred grams to the square metre, and dry by evening.", 24, 39, 700, `{"cotton":100,"gsm":600,"wash":60}`, []string{"white", "terracotta", "sea green"}},
		{"Step stool", "Ash, two steps, folds flat behind the door.", 59, 69, 3800, `{"load":150}`, []string{"natural", "black"}},
		{"Wall clock", "Silent movement, no numerals.", 45, 59, 900, "", []string{"25 cm", "35 cm"}},
		{"Vase", "Mouth-blown, so no two are alike.", 29, 69, 1100, "", []string{"smoke", "amber", "clear"}},
		{"Beeswax candles", "Twelve candles, eight hours each.", 22, 26, 640, `{"hours":8,"pieces":12}`, []string{"natural", "white"}},
		{"Laundry basket", "Willow with a cotton bag that goes into the machine.", 49, 65, 2100, "", []string{"medium", "large"}},
		{"Door mat", "Coir on rubber. Takes the mud.", 24, 34, 2300, "", []string{"60 × 40", "75 × 45", "100 × 60"}},
		{"Cushion cover", "Corduroy with a hidden zip.", 19, 23, 210, `{"cotton":98,"elastane":2,"wash":40}`, []string{"rust", "ink", "olive", "oat"}},
	}},
	{"GARDEN", "GAR", []good{
		{"Spade", "Forged in one piece, ash handle, a tread for the foot.", 49, 62, 2100, `{"handle":"ash"}`, []string{"D grip", "T grip"}},
		{"Hand trowel", "Stainless, with depths marked on the blade.", 14, 18, 260, "", []string{"narrow", "wide"}},
		{"Secateurs", "Bypass blades that can be changed, a spring that can be bought.", 39, 54, 280, `{"cuts":22}`, []string{"small hand", "large hand", "left hand"}},
		{"Watering can", "Zinc, with a brass rose. Balanced when it is full.", 34, 49, 1700, `{"litres":9}`, []string{"5 l", "9 l"}},
		{"Seed box, vegetables", "Twelve old sorts that come true from seed, with a calendar.", 24, 24, 180, `{"sorts":12,"organic":true}`, []string{"balcony", "allotment"}},
		{"Seed box, flowers", "A summer for bees: flowers from April to October.", 19, 22, 160, `{"sorts":10,"organic":true}`, []string{"sun", "shade"}},
		{"Terracotta pot", "Thrown and fired in Tuscany. Stands the frost.", 17, 69, 3900, `{"frost":-15}`, []string{"18 cm", "26 cm", "34 cm"}},
		{"Raised bed", "Larch boards that plug together without a tool.", 119, 189, 24000, `{"wood":"larch","litres":420}`, []string{"100 cm", "150 cm", "200 cm"}},
		{"Compost bin", "Thermal walls, a flap at the bottom, no rats.", 69, 89, 9800, `{"litres":400}`, []string{"250 l", "400 l"}},
		{"Garden gloves", "Goatskin where it matters, cotton where it does not.", 15, 18, 120, "", []string{"size 7", "size 8", "size 9", "size 10"}},
		{"Rain gauge", "Glass, with a holder for the fence post.", 16, 22, 240, "", []string{"copper", "steel"}},
		{"Bird house", "Wood concrete, cleaned from the front in a minute.", 27, 36, 3300, `{"entrance":32}`, []string{"26 mm", "32 mm", "open front"}},
	}},
	{"OUTDOOR", "OUT", []good{
		{"Trekking tent", "Stands by itself, two doors, pitched in four minutes.", 249, 389, 2900, `{"column":4000,"season":3}`, []string{"one person", "two persons", "three persons"}},
		{"Sleeping bag", "Down from birds that were not plucked alive. Weighs less than a loaf of bread.", 189, 299, 980, `{"fill":"down","comfort":2,"limit":-4}`, []string{"regular", "long", "wide"}},
		{"Sleeping mat", "Pumps up with its own bag, eight centimetres thick.", 79, 119, 560, `{"rValue":4.2}`, []string{"regular", "long"}},
		{"Rucksack", "A frame that carries, and pockets where you look for them.", 119, 169, 1500, `{"litres":45,"rainCover":true}`, []string{"28 l", "45 l", "60 l"}},
		{"Water bottle", "Steel, one wall, so that it can hang over the fire.", 19, 27, 190, `{"bpaFree":true}`, []string{"0.6 l", "0.8 l", "1.2 l"}},
		{"Insulated flask", "Hot for a day, cold for two.", 29, 39, 420, `{"hot":24,"cold":48}`, []string{"0.5 l", "0.75 l", "1 l"}},
		{"Gas stove", "Folds to the size of an apple, boils half a litre in two minutes.", 39, 74, 110, `{"watts":2800}`, []string{"light", "stable"}},
		{"Head torch", "Four hundred lumens, red light, a lock against switching on in the bag.", 34, 49, 90, `{"lumens":400,"hours":40,"usb":true}`, []string{"black", "orange"}},
		{"Rain jacket", "Three layers, taped seams, pit zips. Can be mended.", 149, 179, 390, `{"column":20000,"pfc":false}`, []string{"S", "M", "L", "XL"}},
		{"Merino shirt", "Does not smell after a week. We have tried.", 59, 69, 170, `{"wool":100,"gsm":150}`, []string{"S", "M", "L", "XL"}},
		{"Picnic rug", "Wool above, wax cloth below, a strap to carry it.", 59, 69, 1600, "", []string{"green check", "blue check"}},
		{"Pocket knife", "One blade, one saw, one corkscrew.", 32, 45, 95, `{"tools":3}`, []string{"beech", "olive wood"}},
	}},
	{"STATIONERY", "STA", []good{
		{"Notebook", "Thread-sewn, lies flat, paper that fountain pens like.", 14, 18, 310, `{"pages":192,"gsm":100,"format":"A5"}`, []string{"blank", "lined", "squared", "dotted"}},
		{"Pocket notebooks", "Three thin ones for the jacket.", 11, 11, 150, `{"pages":48,"gsm":80,"format":"A6"}`, []string{"kraft", "colours"}},
		{"Fountain pen", "Piston filler, steel nib, a window for the ink.", 49, 59, 60, `{"filling":"piston"}`, []string{"EF", "F", "M"}},
		{"Ink", "Dries in ten seconds, washes out of shirts.", 12, 12, 210, `{"millilitres":50}`, []string{"royal blue", "moss green", "sepia", "black"}},
		{"Pencils", "Cedar, twelve in a tin.", 16, 18, 120, `{"pieces":12}`, []string{"2H", "HB", "2B"}},
		{"Brass sharpener", "Two holes. The blade can be changed.", 9, 9, 40, "", []string{"straight", "wedge"}},
		{"Letter paper", "Mould-made with deckle edge, fifty sheets and twenty-five envelopes.", 28, 34, 620, `{"gsm":110,"pieces":75}`, []string{"white", "ivory"}},
		{"Desk pad", "Felt of pure wool with a cork back.", 39, 55, 700, "", []string{"60 × 40", "90 × 40"}},
		{"Document box", "Grey board, acid-free, for what is to be found in fifty years.", 17, 22, 540, `{"acidFree":true,"format":"A4"}`, []string{"low", "high"}},
		{"Wall calendar", "One page for the year. Sundays are red.", 15, 15, 260, `{"year":2027}`, []string{"paper", "cloth"}},
		{"Scissors", "Solingen, hand-set, with a brass screw.", 34, 46, 150, "", []string{"16 cm", "20 cm", "left hand"}},
		{"The Gardener's Year", "A small book about a great passion, with woodcuts.", 16, 24, 330, `{"pages":160,"language":"en","isbn":"978-0-00-000000-2"}`, []string{"paperback", "cloth"}},
	}},
}

// brands of each shelf. A product of a shelf has one of its brands, or none.
var brands = map[string][]brand{
	"COFFEE":     {{"Kontor 9", ptr("DE"), ptr(2011)}, {"Fratelli Oriani", ptr("IT"), ptr(1934)}, {"Slow Water", ptr("JP"), nil}},
	"KITCHEN":    {{"Atelier Vauban", ptr("FR"), ptr(1898)}, {"Eisenhand", ptr("AT"), ptr(1926)}, {"Ostermalm Kök", ptr("SE"), ptr(1977)}},
	"HOME":       {{"Lumen & Lin", ptr("BE"), ptr(2004)}, {"Casa Peneda", ptr("PT"), ptr(1961)}, {"Halden", ptr("NO"), nil}},
	"GARDEN":     {{"Wurzelwerk", ptr("DE"), ptr(1987)}, {"Thornbury Forge", ptr("GB"), ptr(1779)}, {"De Kas", ptr("NL"), ptr(2015)}},
	"OUTDOOR":    {{"Nordgrat", ptr("CH"), ptr(1969)}, {"Fjellvind", ptr("NO"), ptr(1992)}, {"Tatra Works", ptr("PL"), ptr(2008)}},
	"STATIONERY": {{"Papier Lorrain", ptr("FR"), ptr(1846)}, {"Graphit & Co.", ptr("DE"), ptr(1912)}, {"Midori Sha", nil, nil}},
}

// tagsOf a shelf: each product has some of them.
var tagsOf = map[string][]string{
	"COFFEE":     {"fair trade", "barista", "gift", "slow coffee", "new harvest"},
	"KITCHEN":    {"for life", "oven proof", "gift", "wedding list", "repairable"},
	"HOME":       {"plastic free", "gift", "small flats", "handmade", "winter"},
	"GARDEN":     {"bees", "balcony", "organic", "spring", "repairable"},
	"OUTDOOR":    {"ultralight", "repairable", "winter", "bikepacking", "recycled"},
	"STATIONERY": {"gift", "refillable", "left-handed", "school", "archive"},
}
