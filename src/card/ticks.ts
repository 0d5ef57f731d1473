/** Says what the ticked lines of a form cost together, in whole micros: a function for a browser's script. */
export const ticks = `
function followTicks(form, ticked) {
  const boxes = [...form.querySelectorAll("input[name=line]")];
  const count = () => {
    const chosen = boxes.filter((box) => box.checked);
    const micros = chosen.reduce((sum, box) => sum + BigInt(box.dataset.micros), 0n);
    const {currency, digits} = ticked.dataset;
    const fraction = "." + (micros % 1000000n).toString().padStart(6, "0").slice(0, Number(digits));
    const amount = (micros / 1000000n).toLocaleString("en-US") + (digits === "0" ? "" : fraction) + " " + currency;
    ticked.textContent = chosen.length + " of " + boxes.length + " lines ticked, " + amount + " together";
  };
  ticked.hidden = false;
  form.addEventListener("change", count);
  count();
}`;
