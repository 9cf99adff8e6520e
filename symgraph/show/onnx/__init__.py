"""Graphs as ONNX models (https://onnx.ai), by the extra `onnx`."""
