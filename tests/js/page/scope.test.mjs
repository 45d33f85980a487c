// What listens and waits in a scope: it begins and ends with it, again and again.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createScope } from "../../../js/editor/dom.mjs";
import { createSignal } from "../../../js/editor/events.mjs";
import { createMessageLine } from "../../../js/editor/panels/message_line.mjs";
import { put } from "../helpers/fake_page.mjs";

test("a scope attaches and detaches as often as it is asked, and each only once", () => {
  const done = [];
  const scope = createScope();
  scope.add(() => done.push("detach a"), () => done.push("attach a"));
  scope.add(() => done.push("detach b"), () => done.push("attach b"));
  for (let round = 0; round < 2; round++) {
    for (const act of ["attach", "attach", "detach", "detach"]) scope[act]();
    assert.deepEqual(done.splice(0), ["attach a", "attach b", "detach b", "detach a"]);
  }
});

test("what waits ends with the scope, and nothing waits without one", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { paint } = put();
  const done = [];
  const scope = createScope();
  const begin = () => {
    scope.timeout(() => done.push("timeout"), 10);
    scope.frame(() => done.push("frame"));
  };
  const pass = () => {
    t.mock.timers.tick(10);
    paint();
    return done.splice(0);
  };
  begin();
  assert.deepEqual(pass(), [], "it is not attached");
  scope.attach();
  begin();
  assert.deepEqual(pass(), ["timeout", "frame"]);
  assert.deepEqual(pass(), [], "once");
  begin();
  scope.detach();
  assert.deepEqual(pass(), []);
  scope.attach();
  const cancel = scope.timeout(() => done.push("timeout"), 10);
  cancel();
  cancel();
  assert.deepEqual(pass(), []);
});

test("a message goes by itself, a problem later, and a newer one is not cut short", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  put();
  const scope = createScope();
  scope.attach();
  const { root, show } = createMessageLine(scope);
  show("Done.", false);
  t.mock.timers.tick(3400);
  show("Locked.", true);
  t.mock.timers.tick(8900);
  assert.equal(root.textContent, "Locked.");
  t.mock.timers.tick(200);
  assert.equal(root.textContent, "");
});

test("a signal has several listeners, and each can leave", () => {
  const received = [];
  const signal = createSignal();
  const leave = signal.on((value) => received.push(["a", value]));
  signal.on((value) => received.push(["b", value]));
  signal.emit(1);
  leave();
  signal.emit(2);
  assert.deepEqual(received, [["a", 1], ["b", 1], ["b", 2]]);
});
