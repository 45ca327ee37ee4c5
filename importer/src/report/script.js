// Sorting and folding. Written without signs that markup would read.
(function () {
  'use strict';
  function open(target) {
    var layer = target ? document.getElementById(target.slice(1)) : null;
    if (layer) { if (layer.tagName === 'DETAILS') { layer.open = true; layer.scrollIntoView(); } }
  }
  window.addEventListener('hashchange', function () { open(location.hash); });
  open(location.hash);
  window.addEventListener('beforeprint', function () {
    document.querySelectorAll('details.layer').forEach(function (layer) { layer.open = true; });
  });

  var table = document.getElementById('layer-table');
  var body = table.tBodies[0];
  var order = Array.from(body.rows);
  function key(row, column) {
    var cell = row.cells[column];
    var sort = cell.getAttribute('data-sort');
    return sort === null || sort === '' ? cell.textContent : Number(sort);
  }
  Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
    var button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    head.textContent = '';
    head.appendChild(button);
    button.addEventListener('click', function () {
      var now = head.getAttribute('aria-sort');
      var next = now === 'descending' ? 'ascending' : now === 'ascending' ? 'none' : 'descending';
      Array.from(table.tHead.rows[0].cells).forEach(function (other) { other.removeAttribute('aria-sort'); });
      var sign = next === 'descending' ? -1 : 1;
      var rows = order.slice();
      if (next !== 'none') {
        head.setAttribute('aria-sort', next);
        rows.sort(function (a, b) {
          var x = key(a, column), y = key(b, column);
          if (typeof x !== typeof y) { return typeof x === 'number' ? -1 : 1; }
          if (typeof x === 'number') { return sign * (x - y); }
          return sign * x.localeCompare(y);
        });
      }
      rows.forEach(function (row) { body.appendChild(row); });
    });
  });

  var all = document.createElement('button');
  all.type = 'button';
  all.className = 'fold';
  all.textContent = 'Open all';
  all.addEventListener('click', function () {
    var layers = Array.from(document.querySelectorAll('details.layer'));
    var some = layers.some(function (layer) { return !layer.open; });
    layers.forEach(function (layer) { layer.open = some; });
    all.textContent = some ? 'Close all' : 'Open all';
  });
  document.querySelector('#details h2').appendChild(all);
}());
