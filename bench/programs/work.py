# A large interpreter with everything that comes with it: dictionaries, JSON, regular expressions, sorting, integers.
import json, re, sys

size = int(sys.argv[1])
records = [{"id": i, "name": "name%d" % (i * 7919 % 1000), "tags": [i % 7, i % 11]} for i in range(8000 * size)]
text = json.dumps(records)
back = json.loads(text)
by_name = {}
for record in back:
    by_name.setdefault(record["name"], []).append(record["id"])
digits = len(re.findall(r"name(\d)\d*7", text))
back.sort(key=lambda record: (record["name"], -record["id"]))
sieve = bytearray(b"\x01") * (100000 * size)
for n in range(2, int(len(sieve) ** 0.5) + 1):
    if sieve[n]:
        sieve[n * n :: n] = bytes(len(range(n * n, len(sieve), n)))
print(len(text), len(by_name), digits, back[0]["id"], sum(sieve), pow(3, 2000 * size, 10**40 + 1))
