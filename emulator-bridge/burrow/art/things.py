"""Item pictures (16x16, sculpted), effect tiles (8x8) and their palettes."""

import sculpt

WARM = sculpt.palette((40, 18, 26), ((255, 120, 104), (150, 24, 52)), ((164, 220, 92), (44, 104, 48)),
                      ((255, 232, 120), (190, 116, 40)))
COOL = sculpt.palette((30, 26, 36), ((206, 204, 210), (92, 88, 104)), ((226, 160, 240), (110, 52, 140)),
                      ((160, 236, 246), (40, 110, 170)))


def seed(material, cap):
    return [(material, 0, 0, 4.6, 3.9, 3.4, 4.2), (material, 0, 0, 8.2, 2.0, 1.8, 2.4), (cap, 0, 0, 10.4, 1.3, 1.2, 1.4)]


def berry(material):
    return [(material, -2.4, 1, 3.6, 3.0, 3.0, 3.0), (material, 2.6, 1, 3.8, 3.0, 3.0, 3.0),
            (material, 0, 2, 6.8, 3.1, 3.0, 3.0), ("B", 0.4, 1, 10.2, 2.8, 1.6, 1.0), ("B", 1.2, 0, 11.4, 0.9, 0.9, 1.6)]


def turnip(size):
    return [("W", 0, 0, 3.4 * size, 2.6 * size, 2.4 * size, 3.2 * size), ("B", 0, 0, 5.4 * size, 3.7 * size, 3.4 * size, 2.6 * size),
            ("C", -1.4, 0, 9.2 * size, 1.0, 1.0, 2.6), ("C", 1.6, 0, 9.4 * size, 1.0, 1.0, 2.4)]


def pebbles():
    return [("A", -2.6, 1, 2.4, 3.0, 2.6, 2.4), ("A", 2.8, 2, 2.2, 2.6, 2.4, 2.2), ("A", 0.4, -2, 3.6, 3.2, 2.6, 2.6)]


def coins():
    parts = [("C", -2.6, 0, 1.2 + 1.9 * step, 3.2, 3.0, 0.9) for step in range(3)]
    return parts + [("C", 3.2, 2, 1.2, 3.0, 2.8, 0.9), ("C", 3.2, 2, 3.1, 3.0, 2.8, 0.9)]


def jar():
    return [("C", 0, 0, 5, 4.4, 4.0, 4.6), ("A", 0, 0, 10.2, 3.0, 2.6, 1.2), ("W", -1.2, 3.6, 5.6, 1.2, 0.9, 1.2),
            ("W", 1.8, 3.4, 3.6, 0.9, 0.8, 0.9)]


# (item id, bank, parts)
ITEMS = [
    (8, 1, pebbles()), (53, 1, seed("C", "A")), (55, 0, berry("A")), (56, 0, berry("C")), (58, 0, seed("C", "A")),
    (59, 1, seed("A", "B")), (62, 0, seed("A", "C")), (69, 1, seed("B", "C")), (71, 0, seed("B", "C")),
    (72, 0, seed("A", "B")), (82, 1, turnip(0.86)), (83, 1, turnip(1.08)), (105, 0, coins()), (188, 1, jar()),
]

EFFECT_PALETTE = [(0, 0, 0), (28, 18, 28), (255, 255, 255), (255, 226, 92), (255, 96, 84), (126, 232, 120),
                  (120, 190, 255), (150, 146, 156), (206, 202, 210), (90, 84, 98), (255, 170, 70)] + [(0, 0, 0)] * 5

PEBBLE = ["........", "..1111..", ".188771.", ".187779.", ".177799.", ".177991.", "..1991..", "...11..."]
SLEEP = ["........", ".666666.", "....66..", "...66...", "..66....", ".666666.", "........", "........"]
ALERT = ["..1331..", "..1331..", "..1331..", "..1331..", "...11...", "..1331..", "..1331..", "...11..."]
STAR = [
    ".......22.......", ".......22.......", "..3....33....3..", "...33..33..33...", "...3333333333...", "....33322333....",
    "....33222233....", "22333222222333.2", "2.333222222333.2", "....33222233....", "....33322333....", "...3333333333...",
    "...33..33..33...", "..3....33....3..", ".......22.......", ".......22......."]
ARROW = ["...11...", "..1331..", ".133331.", "13333331", "11133111", "..1331..", "..1331..", "..1111.."]


def cells(rows):
    return [[0 if cell == "." else int(cell, 16) for cell in row] for row in rows]


def digit(glyph):
    _, rows = glyph
    grid = [[0] * 8 for _ in range(8)]
    for y in range(7):
        for x in range(5):
            if rows[y] >> x & 1:
                grid[y][x + 1] = 2
    for y in range(8):
        for x in range(8):
            if not grid[y][x] and any(0 <= y + dy < 8 and 0 <= x + dx < 8 and grid[y + dy][x + dx] == 2
                                      for dx in (-1, 0, 1) for dy in (-1, 0, 1)):
                grid[y][x] = 1
    return grid


def effects(glyphs):
    """The tiles in order: digits 0-9, pebble, sleep, alert, arrow, then the star's four tiles."""
    words = []
    for character in "0123456789":
        words += sculpt.tiles(digit(glyphs[character]), 1, 1)
    for rows in (PEBBLE, SLEEP, ALERT, ARROW):
        words += sculpt.tiles(cells(rows), 1, 1)
    return words + sculpt.tiles(cells(STAR), 2, 2)
