/* Says beside a field, while one types, what the server says of it.
 *
 * Delegated from the document, so that it works in dialogs that come later.
 */
(function () {
  'use strict';

  var PAUSE = 400;
  var EVERY = 15000;
  var waiting = {};
  var asked = {};

  function line(text, kind) {
    var found = document.createElement('div');
    found.className = 'help-block ' + kind;
    found.textContent = text;
    return found;
  }

  // What is said is read with the field, also when one comes back to it.
  function describe(field, id) {
    var ids = (field.getAttribute('aria-describedby') || '').split(' ');
    if (ids.indexOf(id) < 0) { ids.push(id); }
    field.setAttribute('aria-describedby', ids.join(' ').trim());
  }

  function say(field, answer) {
    var group = field.closest('.form-group');
    var said = group.querySelector('.gpu-said');
    var lines = answer.error ?
      [line(answer.error, 'gpu-error')] :
      (answer.notes || []).map(function (note) { return line(note, 'gpu-told'); });
    said.replaceChildren.apply(said, lines);
    group.classList.toggle('has-error', Boolean(answer.error));
    field.setAttribute('aria-invalid', answer.error ? 'true' : 'false');
    describe(field, said.id);
  }

  function check(field) {
    var form = field.form;
    var name = field.dataset.gpuCheck;
    var data = new FormData(form);
    var turn = (asked[name] || 0) + 1;
    asked[name] = turn;
    data.append('field', name);
    fetch(form.dataset.gpuCheckUrl, {
      method: 'POST', body: data, credentials: 'same-origin',
      headers: {'X-Requested-With': 'XMLHttpRequest'}
    }).then(function (answer) {
      return answer.ok ? answer.json() : {};
    }).then(function (answer) {
      // One that was overtaken by a later question is no answer any more.
      if (asked[name] === turn) { say(field, answer); }
    }).catch(function () {});
  }

  function later(field) {
    var name = field.dataset.gpuCheck;
    window.clearTimeout(waiting[name]);
    waiting[name] = window.setTimeout(function () { check(field); }, PAUSE);
  }

  function changed(event) {
    var field = event.target;
    if (!field.dataset || !field.dataset.gpuCheck) { return; }
    later(field);
    // How many servers there are decides whether there is room.
    var flavor = field.form.querySelector('[data-gpu-check="flavor"]');
    if (field.dataset.gpuCheck === 'nodes' && flavor) { later(flavor); }
  }

  function offers() {
    var flavor = document.querySelector('select[data-gpu-check="flavor"]');
    if (flavor && flavor.value && !document.hidden) { check(flavor); }
  }

  document.addEventListener('input', changed);
  document.addEventListener('DOMContentLoaded', function () {
    offers();
    if (document.querySelector('[data-gpu-check-url]')) {
      window.setInterval(offers, EVERY);
    }
  });
}());
