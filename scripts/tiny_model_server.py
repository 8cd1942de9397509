#!/usr/bin/env python3
"""Serves a tiny random model with llama.cpp's own server, to test against a real one.

The model is made on the spot: two layers of random weights over single bytes, half a megabyte. What it says makes no
sense; that its answers obey a schema is the server's work.

    python3 -m venv tiny && tiny/bin/pip install xllamacpp gguf
    tiny/bin/python scripts/tiny_model_server.py tiny/model.gguf

It prints its address, and serves until it is ended or its standard input ends.
"""
import sys

import gguf
import numpy
import xllamacpp

WIDTH, INNER, HEADS, LAYERS, CONTEXT, SLOTS = 64, 128, 4, 2, 4096, 2
TEMPLATE = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant: "
UNKNOWN, CONTROL, BYTE = 2, 3, 6


def write_model(path):
    random = numpy.random.default_rng(7)
    special = [(b"<unk>", UNKNOWN), (b"<s>", CONTROL), (b"</s>", CONTROL)]
    vocabulary = special + [(f"<0x{byte:02X}>".encode(), BYTE) for byte in range(256)]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny random model")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(vocabulary))
    writer.add_file_type(0)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token for token, _ in vocabulary])
    writer.add_token_scores([0.0] * len(vocabulary))
    writer.add_token_types([kind for _, kind in vocabulary])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)

    def weights(name, *shape, edit=None):
        values = (random.standard_normal(shape) * 0.3).astype(numpy.float32)
        if edit:
            edit(values)
        writer.add_tensor(name, values)

    # The first number of every state is always large: nothing adds to it. It keeps the model from bytes that are no
    # ASCII, which by chance alone would make no text.
    def always_large(values):
        values[:, 0] = 4.0

    def unchanged(values):
        values[0, :] = 0.0

    def only_ascii(values):
        values[len(special) + 128 :, 0] = -100.0

    def ones(name):
        writer.add_tensor(name, numpy.ones(WIDTH, numpy.float32))

    weights("token_embd.weight", len(vocabulary), WIDTH, edit=always_large)
    weights("output.weight", len(vocabulary), WIDTH, edit=only_ascii)
    ones("output_norm.weight")
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        ones(block + "attn_norm.weight")
        ones(block + "ffn_norm.weight")
        for part in ("q", "k", "v"):
            weights(f"{block}attn_{part}.weight", WIDTH, WIDTH)
        weights(block + "attn_output.weight", WIDTH, WIDTH, edit=unchanged)
        weights(block + "ffn_gate.weight", INNER, WIDTH)
        weights(block + "ffn_up.weight", INNER, WIDTH)
        weights(block + "ffn_down.weight", WIDTH, INNER, edit=unchanged)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def serve(path):
    settings = xllamacpp.CommonParams()
    settings.model.path = path
    settings.port = 0
    settings.n_ctx = CONTEXT
    settings.n_parallel = SLOTS
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} MODEL.gguf")
    write_model(sys.argv[1])
    serve(sys.argv[1])
