"""Owns Prometheus' protobuf messages as Google's library reads them. Knows nothing of the encoder.

The numbers are those of prompb/io/prometheus/client/metrics.proto in prometheus/prometheus.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

_SCALARS = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "sint32": FieldDescriptorProto.TYPE_SINT32,
    "sint64": FieldDescriptorProto.TYPE_SINT64,
}
# Every field: name, type, number; "*" is repeated. The enum of kinds is read as its number.
_MESSAGES: Mapping[str, tuple[tuple[str, str, int], ...]] = {
    "LabelPair": (("name", "string", 1), ("value", "string", 2)),
    "Gauge": (("value", "double", 1),),
    "Counter": (("value", "double", 1),),
    "Bucket": (("cumulative_count", "uint64", 1), ("upper_bound", "double", 2)),
    "BucketSpan": (("offset", "sint32", 1), ("length", "uint32", 2)),
    "Histogram": (
        ("sample_count", "uint64", 1),
        ("sample_sum", "double", 2),
        ("bucket", "*Bucket", 3),
        ("schema", "sint32", 5),
        ("zero_threshold", "double", 6),
        ("zero_count", "uint64", 7),
        ("positive_span", "*BucketSpan", 12),
        ("positive_delta", "*sint64", 13),
    ),
    "Metric": (
        ("label", "*LabelPair", 1),
        ("gauge", "Gauge", 2),
        ("counter", "Counter", 3),
        ("histogram", "Histogram", 7),
    ),
    "MetricFamily": (
        ("name", "string", 1),
        ("help", "string", 2),
        ("type", "int32", 3),
        ("metric", "*Metric", 4),
    ),
}


def decode(data: bytes) -> list[Any]:
    """Every family of a body with "encoding=delimited"; an unknown field fails."""
    rest, found = data, []
    while rest:
        size, start = _varint(rest)
        family = _FAMILY()
        family.ParseFromString(rest[start : start + size])
        assert family.SerializeToString(deterministic=True) == rest[start : start + size]
        found.append(family)
        rest = rest[start + size :]
    return found


def _varint(data: bytes) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, place + 1
    raise ValueError("a length without an end")


def _family_class() -> type[Message]:
    file = FileDescriptorProto(name="metrics.proto", package="client", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, kind, number in fields:
            added = message.field.add(name=field, number=number)
            bare = kind.removeprefix("*")
            added.label = (
                FieldDescriptorProto.LABEL_REPEATED
                if bare != kind
                else FieldDescriptorProto.LABEL_OPTIONAL
            )
            if bare in _SCALARS:
                added.type = _SCALARS[bare]
            else:
                added.type = FieldDescriptorProto.TYPE_MESSAGE
                added.type_name = f".client.{bare}"
            added.options.packed = kind == "*sint64"
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("client.MetricFamily"))


_FAMILY = _family_class()
