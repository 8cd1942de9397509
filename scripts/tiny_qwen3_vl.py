#!/usr/bin/env python3
"""Makes tiny random Qwen3-VL checkpoints, and writes down what the reference implementation says about them.

What `actors/qwen3-vl` must equal is `transformers` on the same weights. The weights mean nothing, but are large enough
that answers differ from each other and that no two tokens are nearly equally likely.

    python3 -m venv reference
    reference/bin/pip install torch==2.9.1 torchvision==0.24.1 transformers==4.57.6 tokenizers==0.22.2 \
        safetensors==0.8.0 numpy==2.4.6 pillow==13.0.0 jinja2==3.1.6
    reference/bin/python scripts/tiny_qwen3_vl.py actors/qwen3-vl/tests/tiny

Written into the folder:
    untied/, tied/         checkpoints as the reference saves them: shards, index, configurations, tokenizer, template
    goldens.json           cases: token ids, grids, greedy answers; the tensors beside it are named for them
    goldens.safetensors    `<picture>.patches`, `<case>.<row>.logits`, `<case>.<row>.embedding`, `<case>.all_logits`
    pictures.json          what both of the reference's picture processors make of pictures of several sizes
    chats.json             messages, and the text and token ids that they become

Exit status 3: a package is missing, or not of the version above.
"""
import hashlib
import importlib.metadata
import json
import pathlib
import sys

PINNED = {
    "torch": "2.9.1",
    "torchvision": "0.24.1",
    "transformers": "4.57.6",
    "tokenizers": "0.22.2",
    "safetensors": "0.8.0",
    "numpy": "2.4.6",
    "pillow": "13.0.0",
    "jinja2": "3.1.6",
}


def missing_packages():
    for name, wanted in PINNED.items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "absent"
        if found.split("+")[0] != wanted:
            yield f"{name} is {found}, not {wanted}"


if __name__ == "__main__":
    if wrong := list(missing_packages()):
        print("; ".join(wrong), file=sys.stderr)
        sys.exit(3)

import numpy
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    Qwen2TokenizerFast,
    Qwen2VLImageProcessor,
    Qwen2VLImageProcessorFast,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

VOCABULARY, NEW_TOKENS = 400, 20
# The smallest distance between the two likeliest tokens of a golden answer: far above what rounding can move.
CLEAR_LEAD = 0.02
SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
]
NOT_SPECIAL = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]
SENTENCES = [
    "You are in a dungeon. The stairs are to the right, behind the wall.",
    "What do you see in this picture? Answer with a button.",
    "Press up, down, left, right, a, b, start or select.",
    '{"button": "left", "reason": "an enemy is near", "confidence": 0.75}',
    "The hero has 12 of 30 hit points, level 5, and an apple; the belly is at 48 percent.",
    "Go to the stairs. The enemy sleeps. Use the item, then attack.",
    "Treasure Town, Beach Cave, Drenched Bluff: floor 3, turn 140.",
    "It's the player's turn; don't wait, we'll move. Straße, café, 迷宮, 洞窟.",
]
# The words that Qwen's tokenizers cut text into before they merge bytes.
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
# Says what Qwen3-VL's own template says to messages of text, pictures, tools and tool calls.
TEMPLATE = """\
{%- set seen = namespace(pictures=0, videos=0) -%}
{%- macro render(content, counted) -%}
{%- if content is string -%}{{- content -}}
{%- elif content -%}
{%- for part in content -%}
{%- if part.type == 'image' or 'image' in part or 'image_url' in part -%}
{%- if counted -%}{%- set seen.pictures = seen.pictures + 1 -%}{%- endif -%}
{%- if add_vision_id is defined and add_vision_id -%}{{- 'Picture ' ~ seen.pictures ~ ': ' -}}{%- endif -%}
{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}
{%- elif part.type == 'video' or 'video' in part -%}
{%- if counted -%}{%- set seen.videos = seen.videos + 1 -%}{%- endif -%}
{%- if add_vision_id is defined and add_vision_id -%}{{- 'Video ' ~ seen.videos ~ ': ' -}}{%- endif -%}
{{- '<|vision_start|><|video_pad|><|vision_end|>' -}}
{%- elif 'text' in part -%}{{- part.text -}}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endmacro -%}
{%- set system = messages[0].role == 'system' -%}
{%- if tools -%}
{{- '<|im_start|>system\\n' -}}
{%- if system -%}{{- render(messages[0].content, false) ~ '\\n\\n' -}}{%- endif -%}
{{- '# Tools\\n\\nFunctions that may be called:\\n<tools>' -}}
{%- for tool in tools -%}{{- '\\n' ~ (tool | tojson) -}}{%- endfor -%}
{{- '\\n</tools>\\n\\nA call is JSON between <tool_call></tool_call>.<|im_end|>\\n' -}}
{%- elif system -%}
{{- '<|im_start|>system\\n' ~ render(messages[0].content, false) ~ '<|im_end|>\\n' -}}
{%- endif -%}
{%- for message in messages -%}
{%- if message.role == 'user' -%}
{{- '<|im_start|>user\\n' ~ render(message.content, true) ~ '<|im_end|>\\n' -}}
{%- elif message.role == 'assistant' -%}
{{- '<|im_start|>assistant\\n' ~ render(message.content, true) -}}
{%- for call in message.tool_calls or [] -%}
{%- if message.content or not loop.first -%}{{- '\\n' -}}{%- endif -%}
{%- set function = call.function or call -%}
{{- '<tool_call>\\n{"name": "' ~ function.name ~ '", "arguments": ' -}}
{%- if function.arguments is string -%}{{- function.arguments -}}{%- else -%}{{- function.arguments | tojson -}}{%- endif -%}
{{- '}\\n</tool_call>' -}}
{%- endfor -%}
{{- '<|im_end|>\\n' -}}
{%- elif message.role == 'tool' -%}
{%- if loop.first or messages[loop.index0 - 1].role != 'tool' -%}{{- '<|im_start|>user' -}}{%- endif -%}
{{- '\\n<tool_response>\\n' ~ render(message.content, true) ~ '\\n</tool_response>' -}}
{%- if loop.last or messages[loop.index0 + 1].role != 'tool' -%}{{- '<|im_end|>\\n' -}}{%- endif -%}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
"""
SHAPES = {
    "untied": {
        "text": dict(hidden_size=64, intermediate_size=112, num_hidden_layers=4, num_attention_heads=4,
                     num_key_value_heads=2, head_dim=16, mrope_section=[4, 2, 2]),
        "vision": dict(hidden_size=32, intermediate_size=56, depth=4, num_heads=2, num_position_embeddings=64,
                       deepstack_visual_indexes=[0, 2], out_hidden_size=64),
        "tied": False,
        "shard": "256KB",
    },
    "tied": {
        "text": dict(hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
                     num_key_value_heads=1, head_dim=12, mrope_section=[2, 2, 2]),
        "vision": dict(hidden_size=16, intermediate_size=24, depth=3, num_heads=2, num_position_embeddings=36,
                       deepstack_visual_indexes=[0, 1, 2], out_hidden_size=32),
        "tied": True,
        "shard": "96KB",
    },
}
# Pictures of the goldens, as grids of patches: frames, rows, columns.
GRIDS = {"wide": (1, 4, 6), "square": (1, 4, 4), "tall": (1, 6, 2)}
# Rows are text with the names of pictures in braces. The rows of `ragged` differ in length, text and pictures.
CASES = {
    "text": ["Press up, down, left or right. The enemy sleeps"],
    "one_picture": ["What do you see in this picture? {wide}Answer with a button."],
    "several_pictures": ["Look: {square} and then {tall}{wide} The stairs are to the"],
    "ragged": [
        "Go",
        "The hero has 12 of 30 hit points {square}",
        "{tall}Treasure Town {wide} Beach Cave, Drenched Bluff: floor 3, turn 140. Use the item",
        "Go to the stairs. The enemy sleeps. Use the item, then attack. You are in a dungeon.",
    ],
}
PICTURE_SIZES = [(240, 160), (256, 192), (160, 144), (480, 320), (64, 64), (37, 53), (7, 5), (300, 20), (512, 384)]
LIMITS = {"real": (65536, 16777216), "small": (1024, 16384)}
CHATS = {
    "text": dict(messages=[{"role": "user", "content": "Press a button."}]),
    "system": dict(messages=[
        {"role": "system", "content": "You are in a dungeon."},
        {"role": "user", "content": [{"type": "text", "text": "What now?"}]},
        {"role": "assistant", "content": "Left."},
        {"role": "user", "content": "And then?"},
    ]),
    "picture": dict(messages=[
        {"role": "system", "content": [{"type": "text", "text": "Answer with a button."}]},
        {"role": "user", "content": [{"type": "text", "text": "What do you see?"}, {"type": "image"}]},
    ]),
    "numbered_pictures": dict(add_vision_id=True, messages=[
        {"role": "user", "content": [{"type": "image"}, {"type": "image"}, {"type": "text", "text": "Which?"}]},
    ]),
    "tools": dict(
        tools=[{"type": "function", "function": {"name": "press", "parameters": {"button": "left"}}}],
        messages=[
            {"role": "user", "content": "Use the item"},
            {"role": "assistant", "content": "",
             "tool_calls": [{"type": "function", "function": {"name": "press", "arguments": {"button": "a"}}}]},
            {"role": "tool", "content": "pressed"},
        ],
    ),
    "no_answer_begun": dict(add_generation_prompt=False, messages=[{"role": "user", "content": "café 迷宮 <|im_end|>"}]),
}


def tokenizer():
    made = Tokenizer(models.BPE())
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(WORDS), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIAL) - len(NOT_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    made.train_from_iterator(SENTENCES * 4, trainer)
    made.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    made.add_tokens([AddedToken(token, special=False, normalized=False) for token in NOT_SPECIAL])
    fast = Qwen2TokenizerFast(
        tokenizer_object=made, unk_token=None, bos_token=None, eos_token="<|im_end|>", pad_token="<|endoftext|>",
        additional_special_tokens=SPECIAL[1:], model_max_length=262144, clean_up_tokenization_spaces=False,
    )
    fast.chat_template = TEMPLATE
    return fast


def network(name, words, seed):
    shape = SHAPES[name]
    text = dict(shape["text"])
    sections = text.pop("mrope_section")
    config = Qwen3VLConfig(
        text_config=dict(
            text, vocab_size=len(words), max_position_embeddings=512, rope_theta=5000.0, rms_norm_eps=1e-6,
            rope_scaling={"rope_type": "default", "mrope_interleaved": True, "mrope_section": sections},
            tie_word_embeddings=shape["tied"], bos_token_id=words.pad_token_id, eos_token_id=words.eos_token_id,
        ),
        vision_config=dict(shape["vision"], patch_size=16, spatial_merge_size=2, temporal_patch_size=2),
        image_token_id=words.convert_tokens_to_ids("<|image_pad|>"),
        video_token_id=words.convert_tokens_to_ids("<|video_pad|>"),
        vision_start_token_id=words.convert_tokens_to_ids("<|vision_start|>"),
        vision_end_token_id=words.convert_tokens_to_ids("<|vision_end|>"),
        tie_word_embeddings=shape["tied"],
    )
    made = Qwen3VLForConditionalGeneration(config).eval()
    random = numpy.random.default_rng(seed)
    with torch.no_grad():
        for key, weight in sorted(made.named_parameters()):
            values = random.standard_normal(tuple(weight.shape))
            if key.endswith("norm.weight") or "norm1.weight" in key or "norm2.weight" in key or "layernorm" in key:
                values = 1 + 0.2 * values
            elif key.endswith("bias"):
                values = 0.2 * values
            elif "embed_tokens" in key or "pos_embed" in key:
                values = 0.7 * values
            elif "lm_head" in key:
                values = values * 3 / weight.shape[1] ** 0.5
            else:
                values = values * 1.5 / weight[0].numel() ** 0.5
            # Rounded to the half precision that they are saved in. All arithmetic is in single precision, and so is what the
            # network keeps beside its weights, which is why the network as a whole is not rounded.
            weight.copy_(torch.from_numpy(values).bfloat16())
    made.generation_config = GenerationConfig(
        do_sample=True, temperature=0.7, top_p=0.8, top_k=20, pad_token_id=words.pad_token_id,
        eos_token_id=[words.eos_token_id, words.pad_token_id], bos_token_id=words.pad_token_id,
    )
    return made


def image_processors(smallest, largest):
    settings = dict(patch_size=16, temporal_patch_size=2, merge_size=2, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    return {
        # This one overlooks `size` where its constructor is given it.
        "slow": Qwen2VLImageProcessor(min_pixels=smallest, max_pixels=largest, **settings),
        "fast": Qwen2VLImageProcessorFast(size={"shortest_edge": smallest, "longest_edge": largest}, **settings),
    }


def picture(width, height):
    """Every pixel follows from its place, so that a test can paint the picture by itself."""
    x, y, channel = numpy.meshgrid(numpy.arange(width), numpy.arange(height), numpy.arange(3), indexing="ij")
    values = (x * 7 + y * 13 + channel * 29 + (x * y) % 17 * 5 + (x // 8 + y // 8) % 2 * 90) % 256
    return Image.fromarray(values.transpose(1, 0, 2).astype(numpy.uint8))


def patches(random, grid):
    values = random.standard_normal((grid[0] * grid[1] * grid[2], 3 * 2 * 16 * 16)) * 0.5
    return torch.from_numpy(values).to(torch.bfloat16)


def token_ids(words, row):
    """The tokens of a row, and the names of its pictures in order."""
    tokens, names = [], []
    for part in row.replace("{", "}").split("}"):
        if part in GRIDS:
            pads = GRIDS[part][0] * GRIDS[part][1] * GRIDS[part][2] // 4
            part, names = "<|vision_start|>" + "<|image_pad|>" * pads + "<|vision_end|>", names + [part]
        tokens += words(part)["input_ids"]
    return tokens, names


def inputs(rows, shown, pad):
    longest = max(len(tokens) for tokens, _ in rows)
    made = dict(
        input_ids=torch.tensor([[pad] * (longest - len(tokens)) + tokens for tokens, _ in rows]),
        attention_mask=torch.tensor([[0] * (longest - len(tokens)) + [1] * len(tokens) for tokens, _ in rows]),
    )
    names = [name for _, names in rows for name in names]
    if names:
        made["pixel_values"] = torch.cat([shown[name].float() for name in names])
        made["image_grid_thw"] = torch.tensor([GRIDS[name] for name in names])
    return made


def answer(made, given):
    """Logits at every position, greedy tokens, and the mean over each row's own last hidden states."""
    with torch.no_grad():
        hidden = made.model(**given, use_cache=False).last_hidden_state
        grown = made.generate(
            **given, do_sample=False, max_new_tokens=NEW_TOKENS, eos_token_id=None, use_cache=True,
            temperature=None, top_p=None, top_k=None, output_logits=True, return_dict_in_generate=True,
        )
    top = torch.stack(grown.logits).topk(2).values
    lead = (top[..., 0] - top[..., 1]).min().item()
    mask = given["attention_mask"].float()[..., None]
    embeddings = (hidden * mask).sum(1) / mask.sum(1)
    return made.lm_head(hidden), grown.sequences[:, given["input_ids"].shape[1]:], embeddings, lead


def cases(made, words, shown, prefix):
    told, tensors = {}, {}
    for name, rows in CASES.items():
        rows = [token_ids(words, row) for row in rows]
        alone = [answer(made, inputs([row], shown, words.pad_token_id)) for row in rows]
        if len(rows) > 1:
            together = answer(made, inputs(rows, shown, words.pad_token_id))
            for index, row in enumerate(alone):
                assert (together[0][index, -1] - row[0][0, -1]).abs().max() < 1e-4, "the reference mixes up rows"
                assert together[1][index].tolist() == row[1][0].tolist(), "the reference mixes up rows"
        told[name] = [
            {"tokens": tokens, "pictures": names, "new_tokens": row[1][0].tolist()}
            for (tokens, names), row in zip(rows, alone)
        ]
        for index, (logits, _, embedding, lead) in enumerate(alone):
            if lead < CLEAR_LEAD:
                return None
            tensors[f"{prefix}.{name}.{index}.logits"] = logits[0, -1].clone()
            tensors[f"{prefix}.{name}.{index}.embedding"] = embedding[0].clone()
        if name == "several_pictures":
            tensors[f"{prefix}.{name}.all_logits"] = alone[0][0][0].clone()
    return told, tensors


def whole(made, processor, chat, size):
    """One question about one painted picture, from messages to tokens."""
    text = processor.apply_chat_template(chat["messages"], add_generation_prompt=True, tokenize=False)
    given = processor(text=[text], images=[picture(*size)], return_tensors="pt")
    logits, new_tokens, _, lead = answer(made, dict(given))
    return {
        "messages": chat["messages"], "size": size, "text": text, "tokens": given["input_ids"][0].tolist(),
        "grid": given["image_grid_thw"][0].tolist(), "new_tokens": new_tokens[0].tolist(),
        "answer": processor.tokenizer.decode(new_tokens[0]), "logits": [round(v, 5) for v in logits[0, -1].tolist()],
    }, lead


def told_pictures():
    told = []
    for name, (smallest, largest) in LIMITS.items():
        for kind, processor in image_processors(smallest, largest).items():
            for size in PICTURE_SIZES:
                try:
                    seen = processor(images=[picture(*size)], return_tensors="pt")
                except ValueError as refusal:
                    told.append({"limits": name, "processor": kind, "size": size, "refusal": str(refusal)})
                    continue
                values = seen["pixel_values"].float().numpy()
                # Back to bytes, in the order of the patches: exact, since a byte is what was normalised.
                levels = numpy.rint((values * 0.5 + 0.5) * 255).clip(0, 255).astype(numpy.uint8)
                grid = seen["image_grid_thw"][0].tolist()
                told.append({
                    "limits": name, "smallest": smallest, "largest": largest, "processor": kind, "size": size,
                    "resized": [grid[2] * 16, grid[1] * 16], "grid": grid, "sum": float(values.sum(dtype=numpy.float64)),
                    "levels_sha256": hashlib.sha256(levels.tobytes()).hexdigest(),
                    "stride": 1009, "levels": levels.reshape(-1)[::1009].tolist(),
                    "first_values": [float(value) for value in values.reshape(-1)[:8]],
                })
    return told


def told_chats(words):
    told = {}
    for name, chat in CHATS.items():
        settings = {"add_generation_prompt": True, **{key: chat[key] for key in chat if key != "messages"}}
        text = words.apply_chat_template(chat["messages"], tokenize=False, **settings)
        told[name] = {**chat, **settings, "text": text, "tokens": words(text)["input_ids"]}
    texts = [*SENTENCES, "cafe\u0301 \U0001f9ed\r\n\r\n  tabs\t\tand 1234 numbers<|im_start|>x<think>"]
    told_texts = [{"text": text, "tokens": words(text)["input_ids"]} for text in texts]
    return {"chats": told, "texts": told_texts}


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    words = tokenizer()
    shown = {name: patches(numpy.random.default_rng(len(name)), grid) for name, grid in GRIDS.items()}
    told = {"grids": GRIDS, "checkpoints": {}, "whole": {}}
    tensors = {f"{name}.patches": values for name, values in shown.items()}
    for name, shape in SHAPES.items():
        processor = Qwen3VLProcessor(
            image_processors(*LIMITS["real"])["fast"], words, Qwen3VLVideoProcessor(patch_size=16), TEMPLATE,
        )
        for seed in range(100):
            made = network(name, words, seed)
            found = cases(made, words, shown, name)
            if not found:
                continue
            question, lead = whole(made, processor, CHATS["picture"], (240, 160))
            if lead >= CLEAR_LEAD:
                break
        else:
            raise SystemExit("no seed gives clear answers")
        told["checkpoints"][name], told["whole"][name] = found[0], question
        tensors.update(found[1])
        made.bfloat16().save_pretrained(folder / name, max_shard_size=shape["shard"])
        processor.save_pretrained(folder / name)
        for shard in (folder / name).glob("*.safetensors"):
            shard.chmod(0o644)
        print(f"{name}: seed {seed}, {sum(weight.numel() for weight in made.parameters())} parameters")
    write_json(folder / "goldens.json", told)
    save_file(tensors, folder / "goldens.safetensors")
    (folder / "goldens.safetensors").chmod(0o644)
    write_json(folder / "pictures.json", told_pictures())
    write_json(folder / "chats.json", told_chats(words))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
