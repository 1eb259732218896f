/* One stop of the tabulator key for each host of the map; the arrow keys go
 * from card to card. Without this script each card is a stop.
 */
(function () {
  'use strict';

  function cards(row) {
    return Array.from(row.querySelectorAll('.gpu-card'));
  }

  // Where the key comes back to is the card that it left.
  function stop(card) {
    cards(card.closest('tr')).forEach(function (one) {
      one.tabIndex = one === card ? 0 : -1;
    });
  }

  function beyond(row, down, place) {
    var next = row;
    do {
      next = down ? next.nextElementSibling : next.previousElementSibling;
    } while (next && !cards(next).length);
    var found = next ? cards(next) : [];
    return found[Math.min(place, found.length - 1)];
  }

  function goal(card, key) {
    var row = card.closest('tr');
    var its = cards(row);
    var place = its.indexOf(card);
    switch (key) {
    case 'ArrowRight': return its[place + 1];
    case 'ArrowLeft': return its[place - 1];
    case 'Home': return its[0];
    case 'End': return its[its.length - 1];
    case 'ArrowDown': return beyond(row, true, place);
    case 'ArrowUp': return beyond(row, false, place);
    }
    return null;
  }

  function pressed(event) {
    var card = event.target.closest('.gpu-fleet .gpu-card');
    if (!card || event.altKey || event.ctrlKey || event.metaKey) { return; }
    var found = goal(card, event.key);
    if (found) {
      event.preventDefault();
      found.focus();
    }
  }

  document.addEventListener('DOMContentLoaded', function () {
    document.querySelectorAll('.gpu-fleet tbody tr').forEach(function (row) {
      cards(row).slice(0, 1).forEach(stop);
    });
    document.addEventListener('keydown', pressed);
    document.addEventListener('focusin', function (event) {
      var card = event.target.closest('.gpu-fleet .gpu-card');
      if (card) { stop(card); }
    });
  });
}());
