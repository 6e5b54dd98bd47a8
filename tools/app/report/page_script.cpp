#include "tools/app/report/page_script.h"

namespace firn::cli::report {

namespace {

constexpr std::string_view kScript = R"js((function () {
  'use strict';
  const all = (what, where) => Array.from((where || document).querySelectorAll(what));
  all('[data-script]').forEach(one => { one.hidden = false; });
  all('[data-plain]').forEach(one => { one.hidden = true; });

  // What is pointed at.
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  tip.setAttribute('aria-hidden', 'true');
  document.body.append(tip);
  all('svg.chart title').forEach(title => {
    if (title.parentNode.tagName !== 'svg') title.parentNode.dataset.tip = title.textContent;
    title.remove();
  });
  document.addEventListener('pointerover', event => {
    const mark = event.target.closest('[data-tip]');
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.dataset.tip;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = Math.max(8, Math.min(event.clientX + 12, room)) + 'px';
    const below = event.clientY + 16 + tip.offsetHeight < innerHeight;
    tip.style.top = (below ? event.clientY + 16 : event.clientY - tip.offsetHeight - 10) + 'px';
  });
  document.addEventListener('keydown', event => { if (event.key === 'Escape') tip.hidden = true; });

  // Arms on and off.
  all('input[data-arm]').forEach(box => {
    const show = () => all('svg .arm-' + box.dataset.arm).forEach(one => one.classList.toggle('off', !box.checked));
    box.addEventListener('change', show);
    show();
  });

  // Another cut.
  const explorer = document.getElementById('explorer');
  if (!explorer) return;
  const settings = JSON.parse(document.getElementById('cuts').textContent);
  const setting = document.getElementById('setting'), slider = document.getElementById('cut');
  const draw = () => {
    const of = settings[setting.value], cut = of.cuts[slider.value];
    document.getElementById('now').textContent = cut.name;
    slider.setAttribute('aria-valuetext', cut.name + ', ' + cut.words[0]);
    all('[data-number]', explorer).forEach((line, i) => {
      line.querySelector('dd').textContent = cut.words[i];
      line.querySelector('.fill').style.width = 100 * cut.shares[i] + '%';
    });
    all('[data-model]', explorer).forEach(program => {
      program.hidden = +program.dataset.model !== of.model;
      all('.pass', program).forEach(pass => {
        const block = +/\bb(\d+)/.exec(pass.getAttribute('class'))[1], list = pass.classList;
        const there = list.contains('pf') || (list.contains('px') ? block > cut.frozen : block >= cut.frozen);
        list.toggle('absent', !there);
        list.toggle('frozen', there && block < cut.frozen);
        pass.querySelector('text').textContent =
          !there ? '\u2013' : list.contains('pf') ? 'F' : list.contains('px') ? 'X' : 'W';
      });
    });
    all('svg .here').forEach(row => row.classList.remove('here'));
    all('[data-group="' + of.group + '"] .cut-' + cut.frozen).forEach(row => row.classList.add('here'));
  };
  const choose = () => {
    const of = settings[setting.value], frozen = slider.dataset.frozen;
    slider.max = of.cuts.length - 1;
    const same = of.cuts.findIndex(cut => cut.frozen === +frozen);
    slider.value = same < 0 ? of.cuts.length - 1 : same;
    draw();
  };
  setting.addEventListener('change', choose);
  slider.addEventListener('input', () => {
    slider.dataset.frozen = settings[setting.value].cuts[slider.value].frozen;
    draw();
  });
  choose();
})();
)js";

}  // namespace

std::string_view page_script() {
  return kScript;
}

}  // namespace firn::cli::report
