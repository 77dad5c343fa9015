/** Tests of which names are asked, which addresses are taken, and from where. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setup } from "./fake-dns-suite.ts";

const POD = "nameserver 10.0.0.53\nsearch a.local b.local\noptions ndots:5\n";

/** A resolver in a pod: "echo.prod" may be "echo.prod.a.local", ".b.local", or as it is. */
function inPod(target?: string) {
  const all = setup(target === undefined ? {} : { target });
  all.dns.files.set("/etc/resolv.conf", POD);
  const { echo, dns } = all;
  echo.a = "ENOTFOUND";
  /** The names asked since the last call, by their A queries. */
  const names = () => {
    const asked = dns.asked.splice(0).filter((each) => each.startsWith("A "));
    return asked.map((each) => each.split(" ")[1]).join(" ");
  };
  return { ...all, names };
}

test("a short name is looked for along the search list, and then asked where it was found", async () => {
  const { dns, heard, names, sets, start, pass, end } = inPod();
  dns.name("echo.prod.b.local").a = ["10.0.0.1"];
  start();
  await pass(0);
  assert.equal(names(), "echo.prod.a.local echo.prod.b.local");
  await pass(5000);
  assert.equal(names(), "echo.prod.b.local");
  assert.deepEqual(heard, ["+ 10.0.0.1:50051"]);
  assert.equal(sets[0].endpoints[0].rule, "A of echo.prod.b.local");
  end();
});

test("a name that has nothing any more is looked for anew", async () => {
  const { dns, heard, names, start, pass, end } = inPod();
  const first = dns.name("echo.prod.b.local");
  first.a = ["10.0.0.1"];
  start();
  await pass(0);
  names();
  first.a = "ENOTFOUND";
  dns.name("echo.prod").a = ["10.0.0.9"];
  await pass(5000);
  assert.equal(names(), "echo.prod.b.local echo.prod.a.local echo.prod");
  assert.deepEqual(heard, ["+ 10.0.0.1:50051", "+ 10.0.0.9:50051"]);
  end();
});

test("both families are those of one name", async () => {
  const { dns, heard, start, pass, end } = inPod();
  dns.name("echo.prod.a.local").aaaa = ["::1"];
  dns.name("echo.prod.b.local").a = ["127.0.0.1"];
  start();
  await pass(0);
  assert.deepEqual(heard, ["+ [::1]:50051"]);
  end();
});

test("a failure where the name was found is no reason to take another name's addresses", async () => {
  const { dns, heard, names, start, pass, end } = inPod();
  dns.name("echo.prod.a.local").a = ["10.0.0.1"];
  dns.name("echo.prod.b.local").a = ["10.9.9.9"];
  start();
  await pass(0);
  dns.name("echo.prod.a.local").a = "ESERVFAIL";
  names();
  await pass(5000);
  assert.equal(names(), "echo.prod.a.local");
  assert.deepEqual(heard.slice(1), [
    "! lookup of echo.prod: SERVFAIL: the DNS server could not answer",
  ]);
  end();
});

test("a domain of the list that always fails hides neither what is found nor that nothing is", async () => {
  const { dns, heard, start, pass, end } = inPod();
  dns.name("echo.prod.a.local").a = "ESERVFAIL";
  dns.name("echo.prod.b.local").a = ["10.0.0.1"];
  start();
  await pass(0);
  dns.name("echo.prod.b.local").a = "ENOTFOUND"; // scaled to nothing: the source says so
  await pass(5000);
  assert.deepEqual(heard, ["+ 10.0.0.1:50051", "+"]);
  end();
});

for (const failing of ["echo.prod.a.local", "echo.prod.b.local", "echo.prod"]) {
  test(`a name found nowhere is not known to be empty while ${failing} fails`, async () => {
    const { dns, heard, start, pass, end } = inPod();
    dns.name(failing).a = "EREFUSED";
    start();
    await pass(0);
    assert.deepEqual(heard, ["! lookup of echo.prod: REFUSED: the DNS server does not serve us"]);
    end();
  });
}

test("silence ends the walk: the next name would meet the same", async () => {
  const { dns, names, start, pass, end } = inPod();
  dns.name("echo.prod.a.local").a = "ETIMEOUT";
  dns.name("echo.prod.b.local").a = ["10.0.0.1"];
  start();
  await pass(0);
  assert.equal(names(), "echo.prod.a.local");
  end();
});

test("a dot at the end makes a full name, and so does a server in the target", async () => {
  for (const target of ["dns:///echo.prod.:1", "dns://10.0.0.1/echo.prod:1"]) {
    const { names, start, pass, end } = inPod(target);
    start();
    await pass(0);
    assert.equal(names(), "echo.prod");
    end();
  }
});

test("another name forgets what the first one had in the other family", async () => {
  const { dns, heard, start, pass, end } = inPod();
  dns.name("echo.prod.a.local").a = ["127.0.0.1"];
  dns.name("echo.prod.a.local").aaaa = ["::1"];
  start();
  await pass(0);
  dns.names.delete("echo.prod.a.local");
  dns.name("echo.prod.b.local").a = ["127.0.0.2"];
  dns.name("echo.prod.b.local").aaaa = "ESERVFAIL";
  await pass(5000);
  assert.deepEqual(heard, ["+ 127.0.0.1:50051 [::1]:50051", "+ 127.0.0.2:50051"]);
  end();
});

test("the hosts file comes first, and DNS is not asked; a server in the target knows no file", async () => {
  const { dns, heard, sets, start, pass, end } = inPod();
  dns.files.set("/etc/hosts", "10.0.0.7 echo.prod\n");
  start();
  await pass(0);
  assert.deepEqual(heard, ["+ 10.0.0.7:50051"]);
  assert.equal(sets[0].endpoints[0].rule, "/etc/hosts");
  assert.deepEqual(dns.asked, []);
  dns.files.set("/etc/hosts", "10.0.0.8 echo.prod\n");
  await pass(5000);
  assert.deepEqual(heard.slice(1), ["+ 10.0.0.8:50051"]);
  end();

  const other = inPod("dns://10.0.0.1/echo.prod:1");
  other.dns.files.set("/etc/hosts", "10.0.0.7 echo.prod\n");
  other.start();
  await other.pass(0);
  assert.deepEqual(other.heard, ["+"]);
  other.end();
});

test("localhost is both loopback addresses", async () => {
  const { dns, heard, start, pass, end } = inPod("localhost:50051");
  start();
  await pass(0);
  assert.deepEqual(heard, ["+ 127.0.0.1:50051 [::1]:50051"]);
  assert.deepEqual(dns.asked, []);
  end();
});

test("a changed resolv.conf counts with the next lookup", async () => {
  const { dns, start, pass, end } = inPod();
  start();
  await pass(0);
  dns.asked.splice(0);
  dns.files.set("/etc/resolv.conf", "nameserver 10.0.0.54\n");
  await pass(5000);
  assert.deepEqual(dns.asked, ["A echo.prod @ 10.0.0.54", "AAAA echo.prod @ 10.0.0.54"]);
  end();
});

test("without a resolv.conf the machine is asked in its own way", async () => {
  const { dns, echo, heard, start, pass, end } = inPod();
  dns.files.delete("/etc/resolv.conf");
  echo.a = ["10.0.0.1"];
  start();
  await pass(0);
  assert.deepEqual(heard, ["+ 10.0.0.1:50051"]);
  assert.deepEqual(dns.asked, ["A echo.prod @ getaddrinfo", "AAAA echo.prod @ getaddrinfo"]);
  end();
});

test("of a name with both families one is used, and the other is told as skipped", async () => {
  const { echo, heard, sets, start, pass, end } = setup();
  echo.a = ["10.0.0.1", "10.0.0.2"];
  echo.aaaa = ["fd00::1", "fd00::2"];
  start();
  await pass(0);
  assert.deepEqual(heard, ["+ 10.0.0.1:50051 10.0.0.2:50051"]);
  const skipped = sets[0].skipped?.map(({ endpoint, reason }) => `${endpoint.address} ${reason}`);
  assert.deepEqual(skipped, [
    "[fd00::1]:50051 IPv6: one family is used, IPv4",
    "[fd00::2]:50051 IPv6: one family is used, IPv4",
  ]);
  end();
});

test("IPv6 is used where there is no IPv4, in DNS or from here", async () => {
  const { dns, echo, heard, start, pass, end } = setup();
  echo.aaaa = ["fd00::1"];
  start();
  await pass(0);
  echo.a = ["10.0.0.1"];
  dns.unroutable = ["10."];
  await pass(5000);
  dns.unroutable = ["10.", "fd"];
  await pass(5000);
  assert.deepEqual(heard, ["+ [fd00::1]:50051", "+ [fd00::1]:50051", "+ 10.0.0.1:50051"]);
  end();
});
