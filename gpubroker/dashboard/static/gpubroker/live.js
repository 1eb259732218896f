/* Keeps the page of a lease up to date while something is being done with it.
 *
 * The server renders the part; this puts it in place. Asked more seldom the
 * longer nothing happens, since an order may wait for days, and not at all
 * while nobody looks or a dialog is open.
 */
(function () {
  'use strict';

  var SHORTEST = 2000;
  var LONGEST = 30000;

  function follow(box) {
    var pause = SHORTEST;
    var shown = '';

    function busy() {
      return document.hidden || document.querySelector('#modal_wrapper .modal');
    }

    function put(text) {
      if (text === shown) {
        pause = Math.min(pause * 1.5, LONGEST);
        return;
      }
      pause = SHORTEST;
      if (!box.contains(document.activeElement)) {
        box.innerHTML = text;
        shown = text;
      }
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
        if (!answer.ok) { throw new Error(answer.status); }
        return answer.text();
      }).then(put).catch(function () {
        pause = LONGEST;
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
