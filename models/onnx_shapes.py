"""Inputs and outputs of an ONNX graph, read from its bytes: checking a bundle needs no library."""

from __future__ import annotations

from collections.abc import Iterator

# Field numbers of onnx.proto that lead to the names and dimensions of inputs and outputs.
_GRAPH, _INPUT, _OUTPUT, _NAME, _TYPE, _TENSOR, _SHAPE, _DIMENSION, _SIZE = (
    7,
    11,
    12,
    1,
    2,
    1,
    2,
    1,
    1,
)


def output_shapes(graph: bytes) -> dict[str, tuple[int | None, ...]]:
    """Return the shape of every output by name; None stands for a size that is not fixed.

    Raises ValueError if the bytes are not a protocol buffer with a graph in it.
    """
    shapes = _shapes(graph, _OUTPUT)
    if not shapes:
        raise ValueError("no graph with outputs")
    return shapes


def input_shapes(graph: bytes) -> dict[str, tuple[int | None, ...]]:
    """Return the shape of every input by name, as `output_shapes` does of outputs."""
    return _shapes(graph, _INPUT)


def _shapes(graph: bytes, ends: int) -> dict[str, tuple[int | None, ...]]:
    shapes: dict[str, tuple[int | None, ...]] = {}
    for body in _messages(memoryview(graph), _GRAPH):
        for end in _messages(body, ends):
            name = b"".join(bytes(x) for x in _messages(end, _NAME)).decode()
            shapes[name] = tuple(_dimensions(end))
    return shapes


def _dimensions(end: memoryview) -> Iterator[int | None]:
    for kind in _messages(end, _TYPE):
        for tensor in _messages(kind, _TENSOR):
            for shape in _messages(tensor, _SHAPE):
                for dimension in _messages(shape, _DIMENSION):
                    sizes = [x for number, x in _fields(dimension) if number == _SIZE]
                    yield sizes[0] if sizes and isinstance(sizes[0], int) else None


def _messages(data: memoryview, wanted: int) -> Iterator[memoryview]:
    for number, value in _fields(data):
        if number == wanted and isinstance(value, memoryview):
            yield value


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (field number, value) of a protocol buffer; long values are views, not copies."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"no wire type {kind}")
        if at + size > len(data):
            raise ValueError("cut short")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("cut short")
