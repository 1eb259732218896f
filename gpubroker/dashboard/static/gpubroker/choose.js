/* One box marks all boxes of a name in its form. */
(function () {
  'use strict';

  function boxes(all) {
    return Array.from(all.form.elements).filter(function (one) {
      return one.type === 'checkbox' && one.name === all.dataset.gpuAll;
    });
  }

  function show(all) {
    var every = boxes(all);
    var marked = every.filter(function (one) { return one.checked; });
    all.checked = every.length > 0 && marked.length === every.length;
    all.indeterminate = marked.length > 0 && !all.checked;
  }

  function changed(event) {
    var at = event.target;
    if (at.dataset && at.dataset.gpuAll) {
      boxes(at).forEach(function (one) { one.checked = at.checked; });
    } else if (at.form && at.name) {
      at.form.querySelectorAll('[data-gpu-all]').forEach(show);
    }
  }

  document.addEventListener('change', changed);
  document.addEventListener('DOMContentLoaded', function () {
    document.querySelectorAll('[data-gpu-all]').forEach(show);
  });
}());
