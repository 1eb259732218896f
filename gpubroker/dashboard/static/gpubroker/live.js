/* Keeps the page of a lease or a card up to date while something is being
 * done with it, and the queue.
 *
 * The server renders the part; this puts it in place. Asked more seldom the
 * longer nothing happens, since an order may wait for days, and not at all
 * while nobody looks or a dialog is open.
 */
/* global horizon */
(function () {
  'use strict';

  var SHORTEST = 2000;
  var LONGEST = 30000;

  function follow(box) {
    var pause = SHORTEST;
    var shown = '';
    var note = document.querySelector('.gpu-late');
    var told = document.querySelector('[data-gpu-told]');
    var state = status();
    box.tabIndex = -1;

    function status() {
      var found = box.querySelector('[data-gpu-status]');
      return found ? found.textContent.replace(/\s+/g, ' ').trim() : '';
    }

    // In a place that stays: of a region that is replaced nothing is read.
    function tell() {
      var now = status();
      if (told && now !== state) { told.textContent = now; }
      state = now;
    }

    function busy() {
      return document.hidden || document.querySelector('#modal_wrapper .modal');
    }

    // Whoever is on a button stays on it, although it is another one now.
    function place() {
      var at = document.activeElement;
      if (!at || at === box || !box.contains(at)) { return null; }
      var link = at.getAttribute('href');
      return at.id ? '#' + CSS.escape(at.id) :
        link ? at.tagName + '[href="' + CSS.escape(link) + '"]' : '';
    }

    function put(text) {
      if (text === shown) {
        pause = Math.min(pause * 1.5, LONGEST);
        return;
      }
      pause = SHORTEST;
      var was = place();
      box.innerHTML = text;
      shown = text;
      tell();
      // Horizon lets people sort what is in a list, and knows not of this one.
      horizon.datatables.set_table_sorting(box);
      if (was !== null) {
        (was && box.querySelector(was) || box).focus({preventScroll: true});
      }
    }

    function late(yes) {
      if (note) { note.hidden = !yes; }
    }

    function look() {
      if (busy()) {
        window.setTimeout(look, SHORTEST);
        return;
      }
      fetch(box.dataset.gpuLiveUrl, {
        credentials: 'same-origin',
        headers: {'X-Requested-With': 'XMLHttpRequest'}
      }).then(function (answer) {
        // Horizon says so that it would lead to another page.
        if (!answer.ok || answer.headers.get('X-Horizon-Location')) {
          throw new Error(answer.status);
        }
        return answer.text();
      }).then(function (text) {
        put(text);
        late(false);
      }).catch(function () {
        late(true);
        pause = Math.min(pause * 2, LONGEST);
      }).then(next);
    }

    function next() {
      if (box.querySelector('[data-gpu-moving]')) {
        window.setTimeout(look, pause);
      }
    }

    next();
  }

  document.addEventListener('DOMContentLoaded', function () {
    document.querySelectorAll('[data-gpu-live-url]').forEach(follow);
  });
}());
