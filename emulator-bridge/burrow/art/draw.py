"""Draws all art of the game and writes it as C tables: draw.py OUTPUT.c"""

import sys
from pathlib import Path

import creatures
import font
import sculpt
import terrain
import things
import title


def color_15(rgb):
    red, green, blue = (min(31, round(value * 31 / 255)) for value in rgb)
    return red | green << 5 | blue << 10


def table(name, kind, values, shape=""):
    shape = shape or f"[{len(values)}]"
    lines = [f"const {kind} {name}{shape} = {{"]
    per_line = 10 if kind == "u32" else 16
    for start in range(0, len(values), per_line):
        texts = [f"0x{value:X}" if kind == "u32" else str(value) for value in values[start:start + per_line]]
        lines.append("    " + ", ".join(texts) + ",")
    return "\n".join(lines) + "\n};\n"


def flat(lists):
    return [value for values in lists for value in values]


def palettes(lists):
    return [color_15(color) for colors in lists for color in colors]


def main():
    here = Path(__file__).parent
    glyphs = font.read(here / "font.txt")
    characters = font.table(here / "font.txt")
    sheet, floors, inner, walls, waters, stairs, traps = terrain.build()
    frames = [sculpt.tiles(sculpt.render(model(phase), direction), 3, 3)
              for model in creatures.MODELS for direction in range(5) for phase in range(2)]
    title_tiles, title_map = title.cut(title.draw(glyphs))
    mole = sculpt.tiles(sculpt.render(creatures.mole(0), 1, size=64, origin=(30, 44), scale=2.4), 8, 8)
    items = [sculpt.tiles(sculpt.render(parts, 0, size=16, origin=(8, 12)), 2, 2) for _, _, parts in things.ITEMS]
    parts = [
        "// Drawn by art/draw.py; do not edit by hand.\n#include \"art.h\"\n",
        table("font_widths", "u8", [width for width, _ in characters]),
        table("font_rows", "u8", flat(rows for _, rows in characters), f"[{len(characters)}][{font.ROWS}]"),
        table("terrain_tiles", "u32", flat(sheet.tiles)),
        "const u32 terrain_tiles_bytes = sizeof terrain_tiles;\n",
        table("terrain_entries", "u16", flat(sheet.entries), f"[{len(sheet.entries)}][9]"),
        table("floor_graphics", "u8", floors), table("inner_wall_graphics", "u8", inner),
        table("wall_graphics", "u8", walls), table("water_graphics", "u8", waters),
        table("trap_graphics", "u8", traps), f"const u8 stairs_graphic = {stairs};\n",
        table("ground_palettes", "u16", palettes(terrain.GROUND_PALETTES), "[4][16]"),
        table("feature_palette", "u16", palettes([terrain.FEATURES])),
        table("creature_frames", "u32", flat(frames), f"[{len(creatures.MODELS)}][10][72]"),
        table("species_models", "u8", [model for model, _ in creatures.SPECIES]),
        table("species_palettes", "u16", palettes(colors for _, colors in creatures.SPECIES),
              f"[{len(creatures.SPECIES)}][16]"),
        table("item_pictures", "u32", flat(items), f"[{len(items)}][32]"),
        table("item_picture_ids", "u8", [item for item, _, _ in things.ITEMS]),
        table("item_picture_banks", "u8", [bank for _, bank, _ in things.ITEMS]),
        table("item_palettes", "u16", palettes([things.WARM, things.COOL]), "[2][16]"),
        table("effect_tiles", "u32", things.effects(glyphs)),
        "const u32 effect_tiles_bytes = sizeof effect_tiles;\n",
        table("effect_palette", "u16", palettes([things.EFFECT_PALETTE])),
        table("title_tiles", "u32", title_tiles), "const u32 title_tiles_bytes = sizeof title_tiles;\n",
        table("title_map", "u16", title_map), table("title_palette", "u16", palettes([title.PALETTE])),
        table("title_mole", "u32", mole),
    ]
    Path(sys.argv[1]).write_text("\n".join(parts))
    print(f"terrain tiles {len(sheet.tiles)}, entries {len(sheet.entries)}, title tiles {len(title_tiles) // 8}")


main()
