"""Prints what a safetensors file holds, read with nothing but the format's description: one line a tensor
(name, dtype, shape, values) and one a metadata entry."""
import json
import struct
import sys

KINDS = {"F32": "f", "F64": "d", "I32": "i", "U8": "B"}

with open(sys.argv[1], "rb") as file:
    data = file.read()
(length,) = struct.unpack("<Q", data[:8])
assert length % 8 == 0, "the data are not aligned"
header = json.loads(data[8:8 + length])
for key, value in sorted(header.pop("__metadata__").items()):
    print("metadata", key, value)
for name, entry in header.items():
    begin, end = entry["data_offsets"]
    raw = data[8 + length + begin:8 + length + end]
    kind = KINDS[entry["dtype"]]
    values = struct.unpack("<%d%s" % (len(raw) // struct.calcsize(kind), kind), raw)
    print(name, entry["dtype"], *entry["shape"], ":", *("%g" % v for v in values))
