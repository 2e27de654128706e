// The small parts of a form. A part's data-key finds it again after the form was made anew, so that the focus stays.
export function el(tag, properties = {}, ...children) {
  const { dataset = {}, role, ...others } = properties, made = Object.assign(document.createElement(tag), others);
  Object.assign(made.dataset, dataset);
  if (role) made.setAttribute("role", role);
  made.append(...children.filter((child) => child !== false && child !== undefined && child !== null));
  return made;
}

export function select(key, label, options, value, onchange) {
  const made = el("select", { dataset: { key }, onchange: () => onchange(made.value) }, ...options.map(([code, text]) => el("option", { value: code }, text)));
  made.value = value ?? "";
  return el("label", {}, el("span", {}, label), made);
}

const choice = (kind, group, [value, text, isOn], onchange) => {
  const input = el("input", { type: kind, name: group, value, checked: isOn, dataset: { key: `${group}-${value}` }, onchange: () => onchange(value, input.checked) });
  return el("label", {}, input, ` ${text}`);
};

let made = 0;

export const control = {
  button: (key, text, onclick) => el("button", { type: "button", dataset: { key }, onclick }, text),

  radios: (name, legend, options, value, onchange) => {
    const group = `${name}-${++made}`;
    return el("fieldset", {}, el("legend", {}, legend), ...options.map(([code, text]) => {
      const label = choice("radio", group, [code, text, code === value], onchange);
      label.firstChild.dataset.key = `${name}-${code}`;
      return label;
    }));
  },

  list: (name, isOne, options, onchange) => {
    const group = `${name}-${++made}`, labels = options.map((option) => {
      const label = choice(isOne ? "radio" : "checkbox", group, option, onchange);
      label.firstChild.dataset.key = `${name}-${option[0]}`;
      return label;
    });
    return el("div", { className: "ask-list" }, ...labels);
  },
};
