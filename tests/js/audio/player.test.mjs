// Hearing the plan, with a fake AudioContext whose clock the tests turn.

import assert from "node:assert/strict";
import test from "node:test";

import { FPS, LEAD_S, near, setUp } from "../helpers/fake_audio.mjs";

test("nothing is fetched and no context made before someone wants to hear", async () => {
  const { player, log } = setUp();
  assert.deepEqual([log.made, log.fetched.length], [0, 0]);
  await player.play(0);
  player.pause();
  await player.play(0);
  assert.deepEqual([log.made, log.fetched], [1, ["/view?a"]]);
});

test("the sound plays from the frame asked for, and its time is that of the audio clock", async () => {
  const { player, log, context, pass, sounds } = setUp();
  assert.equal(await player.play(12), true);
  const [source] = sounds();
  near(source.at, 100 + LEAD_S);
  near(source.offset, 0.5);
  assert.equal(source.target, context.destination);
  pass(LEAD_S + 0.5);
  near(log.times.at(-1), 24);
  near(player.frame, 24);
  assert.ok(log.times.every((frame, i) => i === 0 || frame >= log.times[i - 1]));
  near(player.pause(), 24);
  assert.equal(source.stopped, context.currentTime);
  assert.deepEqual([player.isPlaying, player.frame, log.frames.size], [false, null, 0]);
});

test("the time is of what is heard, not of what has just left the context", async () => {
  const { player, log, context, pass } = setUp();
  context.outputLatency = 0.1;
  await player.play(0);
  pass(LEAD_S + 0.6);
  near(log.times.at(-1), 12);
  pass(1.45); // all has left the context, but the last of it is not heard yet
  assert.equal(log.ended, 0);
  pass(0.1);
  assert.equal(log.ended, 1);
});

test("at the end it stops by itself and says so once", async () => {
  const { player, log, pass, sounds } = setUp();
  await player.play(36);
  pass(1);
  assert.deepEqual([log.ended, player.isPlaying, log.frames.size], [1, false, 0]);
  assert.ok(log.times.every((frame) => frame <= 48));
  assert.ok(sounds()[0].stopped !== undefined);
  await player.play(48); // from the end: from the start
  near(sounds()[1].offset, 0);
});

test("a loop repeats its frames, without an end", async () => {
  const { player, log, pass, sounds } = setUp();
  player.setLoop([12, 24]);
  await player.play(30); // outside: from its start
  const [source] = sounds();
  assert.deepEqual([source.loop, source.loopStart, source.loopEnd, source.offset], [true, 0.5, 1, 0.5]);
  pass(LEAD_S + 1.75);
  near(log.times.at(-1), 18);
  assert.ok(log.times.every((frame) => frame >= 12 && frame < 24));
  assert.equal(log.ended, 0);
});

test("a loop of the last frame does not run past a sound that ends within it", async () => {
  const { player, log, pass, sounds } = setUp({ bytes: 1990 });
  player.setLoop([46, 48]);
  await player.play(46);
  near(sounds()[0].loopEnd, 1.99);
  pass(1);
  assert.ok(log.times.every((frame) => frame >= 46 - 1e-6 && frame < 48));
  player.setLoop([5, 5]); // nothing to repeat: no loop
  assert.equal(sounds().at(-1).loop, false);
});

test("half speed plays and tells half as fast, from the place where it was", async () => {
  const { player, log, pass, sounds } = setUp();
  await player.play(0);
  pass(LEAD_S + 0.5);
  player.setRate(0.5);
  const source = sounds().at(-1);
  near(source.playbackRate.value, 0.5);
  near(source.offset, 0.5);
  pass(LEAD_S + 0.5);
  near(log.times.at(-1), 18);
  player.setRate(0.5);
  assert.equal(sounds().length, 2); // no change, no break
});

test("every keyframe clicks at its time on the audio clock, once", async () => {
  const { player, pass, clicked } = setUp({ clicks: [0, 6, 12, 13, 47] });
  player.setClick(true);
  await player.play(0);
  pass(2.2);
  const expected = [0, 6, 12, 13, 47].map((frame) => 100 + LEAD_S + frame / FPS);
  assert.equal(clicked().length, 5);
  clicked().forEach((source, i) => near(source.at, expected[i]));
});

test("clicks keep to half speed and to the loop", async () => {
  const { player, pass, clicked } = setUp({ clicks: [0, 13, 30] });
  player.setClick(true);
  player.setRate(0.5);
  player.setLoop([12, 18]); // 0.5 s at half speed
  await player.play(12);
  pass(1.6);
  const ats = clicked().map(({ at }) => at);
  assert.ok(ats.length >= 3);
  ats.forEach((at, round) => near(at, 100 + LEAD_S + (1 / FPS) * 2 + 0.5 * round));
});

test("a scheduled click is taken back when its keyframe moves, the click is switched off, or it stops", async () => {
  const { player, log, pass, clicked } = setUp({ clicks: [4] });
  player.setClick(true);
  await player.play(0);
  assert.equal(clicked().length, 1);
  log.clicks = [5];
  player.refreshClicks();
  assert.equal(clicked().length, 0);
  pass(0.02);
  near(clicked()[0].at, 100 + LEAD_S + 5 / FPS);
  player.setClick(false);
  assert.equal(clicked().length, 0);
  player.setClick(true);
  pass(0.02);
  assert.equal(clicked().length, 1);
  player.pause();
  assert.equal(clicked().length, 0);
});

test("clicks switched on in the midst begin there, not with those of the past", async () => {
  const { player, pass, clicked } = setUp({ clicks: [0, 6, 30] });
  await player.play(0);
  pass(LEAD_S + 0.5);
  player.setClick(true);
  pass(1);
  assert.equal(clicked().length, 1);
});

test("the click can be heard and does not last", async () => {
  const { player, context } = setUp({ clicks: [0] });
  player.setClick(true);
  await player.play(0);
  const loudness = Array.from(context.samples, Math.abs);
  assert.ok(Math.max(...loudness) > 0.3 && Math.max(...loudness) < 1);
  assert.ok(Math.max(...loudness.slice(-10)) < 0.01);
});

test("scrubbing plays one grain at a time, which fades in and out", async () => {
  const { player, log, context, sounds } = setUp();
  await player.scrub(12);
  await player.scrub(13);
  const [first, second] = sounds();
  assert.ok(first.stopped !== undefined && second.stopped === undefined);
  near(second.offset, 13 / FPS);
  near(second.duration, 0.09);
  const { ramp } = second.target;
  assert.equal(ramp[0][0], 0);
  assert.deepEqual([ramp.at(-1)[0], ramp.at(-1)[1]], [0, context.currentTime + second.duration]);
  assert.deepEqual([log.times.length, player.isPlaying], [0, false]);
  await player.scrub(-3); // dragged past the edge
  near(sounds()[2].offset, 0);
});

test("scrubbing while it plays goes on from there", async () => {
  const { player, pass, sounds } = setUp();
  await player.play(0);
  pass(0.2);
  await player.scrub(36);
  assert.equal(sounds().length, 2);
  near(sounds()[1].offset, 1.5);
  assert.ok(player.isPlaying);
});

test("without a sound it plays in silence, clicks apart", async () => {
  const { player, log, pass, sounds, clicked } = setUp({ url: null, clicks: [0, 12] });
  player.setClick(true);
  assert.equal(await player.play(0), true);
  pass(LEAD_S + 1);
  near(log.times.at(-1), 24);
  assert.deepEqual([sounds().length, clicked().length, log.fetched.length], [0, 2, 0]);
  pass(1.1);
  assert.equal(log.ended, 1);
  await player.scrub(3);
  assert.equal(sounds().length, 0);
});

test("a sound that is gone or broken gives an error message, and may be tried again", async () => {
  const gone = setUp({ ok: false });
  assert.equal(await gone.player.play(0), false);
  assert.match(gone.log.errors[0], /no longer on the server/);
  await gone.player.play(0);
  assert.equal(gone.log.fetched.length, 2);
  const offline = setUp({ fetch: async () => Promise.reject(new TypeError("Failed to fetch")) });
  await offline.player.play(0);
  assert.match(offline.log.errors[0], /no longer on the server/);
  const broken = setUp({ bytes: 0 });
  await broken.player.play(0);
  assert.match(broken.log.errors[0], /cannot play this sound/);
  assert.equal(broken.player.isPlaying, false);
});

test("who pauses while the sound is still coming gets no sound", async () => {
  const { player, log, sounds } = setUp();
  const playing = player.play(0);
  player.pause();
  assert.equal(await playing, false);
  assert.deepEqual([sounds().length, log.frames.size], [0, 0]);
});

test("another sound stops the one that plays; the same one plays on", async () => {
  const { player, log, sounds } = setUp();
  await player.play(0);
  player.load("/view?a", { fps: FPS, nFrames: 48 });
  assert.ok(player.isPlaying);
  player.load("/view?b", { fps: FPS, nFrames: 96 });
  assert.deepEqual([player.isPlaying, log.ended], [false, 1]);
  await player.play(0);
  assert.deepEqual(log.fetched, ["/view?a", "/view?b"]);
  assert.equal(sounds().filter(({ stopped }) => stopped === undefined).length, 1);
});

test("a loop that the next clip does not have is forgotten", async () => {
  const { player, sounds } = setUp();
  player.setLoop([24, 48]);
  player.load("/view?b", { fps: FPS, nFrames: 30 });
  await player.play(3);
  assert.equal(sounds()[0].loop, false);
});

test("after dispose nothing sounds, ticks or is kept", async () => {
  const { player, log, context } = setUp({ clicks: [0, 1, 2, 30] });
  player.setClick(true);
  await player.play(0);
  player.dispose();
  assert.ok(context.isClosed);
  assert.equal(log.frames.size, 0);
  assert.ok(context.sources.every(({ at, stopped }) => stopped !== undefined || at <= context.currentTime));

  const loading = setUp();
  const playing = loading.player.play(0);
  loading.player.dispose();
  assert.equal(await playing, false);
  assert.deepEqual([loading.context.sources.length, loading.log.errors.length], [0, 0]);

  const failing = setUp({ ok: false });
  const attempt = failing.player.play(0);
  failing.player.dispose();
  await attempt;
  assert.deepEqual(failing.log.errors, []); // nobody is left to show it to

  const unheard = setUp();
  unheard.player.dispose();
  assert.equal(unheard.log.made, 0);
});
