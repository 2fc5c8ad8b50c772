// What users of toxiproxy-node-client do: proxies, toxics, a connection through them, and the errors.
const assert = require("node:assert");
const net = require("node:net");
const { Toxiproxy } = require("toxiproxy-node-client");

const listen = (server) => new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));
const fails = (promise, status) => assert.rejects(promise, new RegExp(`status code ${status}`));

/** Sends a word to an echo and says how long it took to come back. */
const roundTrip = (address) => new Promise((done, failed) => {
  const [host, port] = address.split(":");
  const socket = net.connect(Number(port), host);
  const begun = process.hrtime.bigint();
  socket.on("error", failed);
  socket.on("data", (data) => {
    socket.destroy();
    assert.equal(data.toString(), "ping");
    done(Number(process.hrtime.bigint() - begun) / 1e6);
  });
  socket.write("ping");
});

(async () => {
  const echo = net.createServer((socket) => socket.on("error", () => {}).pipe(socket));
  const upstream = `localhost:${await listen(echo)}`;
  const toxiproxy = new Toxiproxy(process.env.TOXIPROXY_URL);
  assert.match(await toxiproxy.getVersion(), /^\{"version": "\d+\.\d+\.\d+"\}\n$/);

  const proxy = await toxiproxy.createProxy({ name: "echo", listen: "localhost:0", upstream });
  assert.equal(proxy.enabled, true);
  await fails(toxiproxy.createProxy({ name: "echo", listen: "localhost:0", upstream }), 409);
  await fails(toxiproxy.get("nobody"), 404);
  await roundTrip(proxy.listen);

  const toxic = await proxy.addToxic({ type: "latency", attributes: { latency: 300, jitter: 0 } });
  assert.deepEqual([toxic.name, toxic.stream, toxic.toxicity], ["latency_downstream", "downstream", 1]);
  await fails(proxy.addToxic({ type: "latency", attributes: {} }), 409);
  await fails(proxy.addToxic({ type: "nonsense", attributes: {} }), 400);
  assert.ok((await roundTrip(proxy.listen)) >= 299);
  const updated = await toxic.update({ attributes: { latency: 600 } });
  assert.deepEqual(updated.attributes, { latency: 600, jitter: 0 });
  assert.ok((await roundTrip(proxy.listen)) >= 599);
  assert.equal((await proxy.getToxic("latency_downstream")).attributes.latency, 600);
  await toxic.remove();
  await fails(proxy.getToxic("latency_downstream"), 404);

  assert.equal((await proxy.update({ enabled: false })).enabled, false);
  await assert.rejects(roundTrip(proxy.listen), { code: "ECONNREFUSED" });
  await toxiproxy.reset();
  await roundTrip(proxy.listen);

  const all = await toxiproxy.populate([
    { name: "echo", listen: proxy.listen, upstream },
    { name: "other", listen: "localhost:0", upstream },
  ]);
  assert.deepEqual(Object.keys(all), ["echo", "other"]);
  assert.deepEqual(Object.keys(await toxiproxy.getAll()), ["echo", "other"]);
  await all.other.remove();
  await proxy.remove();
  assert.deepEqual(await toxiproxy.getAll(), {});
  echo.close();
  console.log("ok");
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
