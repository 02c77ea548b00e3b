// Styles that scripts write, for a policy that lets no inline style through. Such a policy is about what is parsed: a style
// attribute in a text that becomes HTML, or the text of a style element. What a script sets by the object model is allowed.
// Monaco draws its lines as text with style attributes, and makes style elements; here the first are set by the object
// model, and the second get the page's nonce. boot.js imports this file before everything else.
const { nonce } = JSON.parse(document.getElementById('config').textContent);

const create = Document.prototype.createElement;
Document.prototype.createElement = function createElement(name, options) {
  const element = create.call(this, name, options);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
};

const setAttribute = Element.prototype.setAttribute;
Element.prototype.setAttribute = function (name, value) {
  if (String(name).toLowerCase() === 'style' && this.style) this.style.cssText = value;
  else setAttribute.call(this, name, value);
};

const mark = 'data-style-text';
const inTags = (html) => String(html).replace(/<[a-z][^<>]*>/gi, (tag) => tag.replace(/\sstyle=/gi, ` ${mark}=`));
const apply = (root) => {
  for (const element of root.querySelectorAll(`[${mark}]`)) {
    element.style.cssText = element.getAttribute(mark);
    element.removeAttribute(mark);
  }
};

const inner = Object.getOwnPropertyDescriptor(Element.prototype, 'innerHTML');
Object.defineProperty(Element.prototype, 'innerHTML', {
  ...inner,
  set(html) {
    inner.set.call(this, inTags(html));
    apply(this.content ?? this);
  },
});

const insert = Element.prototype.insertAdjacentHTML;
Element.prototype.insertAdjacentHTML = function insertAdjacentHTML(position, html) {
  insert.call(this, position, inTags(html));
  apply(this.parentNode ?? this);
};
