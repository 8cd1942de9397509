"""The title picture, 240x160: night over a hill, the ground cut open to show tunnels, and the name in big letters."""

import math

from terrain import noise

WIDTH, HEIGHT = 240, 160
PALETTE = [(0, 0, 0), (18, 16, 44), (32, 28, 72), (58, 44, 104), (104, 66, 128), (246, 240, 220), (255, 236, 190),
           (30, 52, 58), (40, 92, 58), (96, 160, 72), (44, 26, 28), (72, 46, 40), (106, 72, 54), (236, 130, 56),
           (255, 206, 98), (150, 66, 40)]
BAYER = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]
LETTER_SCALE = 5
TUNNELS = [((30, 108), (84, 122)), ((84, 122), (120, 112)), ((120, 112), (176, 128)), ((176, 128), (214, 112)),
           ((84, 122), (70, 146)), ((176, 128), (160, 150)), ((120, 112), (120, 82))]
CHAMBERS = [(30, 108, 15, 9), (84, 124, 13, 9), (176, 128, 16, 10), (214, 112, 13, 8), (70, 147, 14, 7),
            (160, 151, 14, 6)]


def hill(x):
    return 84 + 7 * math.sin(x / 38 + 0.6) + 2 * math.sin(x / 11)


def far_hill(x):
    return 74 - 9 * math.sin(x / 52 + 2.2) + 3 * math.sin(x / 17)


def in_tunnel(x, y):
    best = 99.0
    for (x1, y1), (x2, y2) in TUNNELS:
        length = (x2 - x1) ** 2 + (y2 - y1) ** 2
        t = max(0, min(1, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length))
        best = min(best, math.hypot(x - x1 - t * (x2 - x1), y - y1 - t * (y2 - y1)) - 5)
    for cx, cy, rx, ry in CHAMBERS:
        best = min(best, (math.hypot((x - cx) / rx, (y - cy) / ry) - 1) * min(rx, ry))
    return best


def background(x, y):
    if y >= hill(x) or in_tunnel(x, y) < 0 and y > hill(x) - 4:
        depth = in_tunnel(x, y)
        if depth < 0:
            glow = min(math.hypot((x - cx) / rx, (y - cy) / ry) for cx, cy, rx, ry in CHAMBERS)
            return 14 if glow < 0.45 else 13 if glow < 0.8 else 15 if glow < 1.2 else 11
        if depth < 1.6:
            return 10
        below = y - hill(x)
        if below < 2:
            return 9
        if below < 4 + 2 * noise(x, 0, 3):
            return 8
        stone = noise(x // 4, y // 3, 8)
        return 12 if stone > 0.94 else 10 if noise(x // 3, y // 2, 5) > 0.86 or below > 60 else 11
    if y >= far_hill(x):
        return 7
    if math.hypot(x - 204, y - 22) < 12:
        return 6 if math.hypot(x - 199, y - 18) < 13 or noise(x // 2, y // 2, 4) > 0.5 else 5
    if noise(x, y, 21) > 0.9955 and y < 66:
        return 5
    level = y / 80 * 3 + (BAYER[y % 4][x % 4] / 16)
    return 1 + min(3, int(level))


def draw(glyphs):
    rows = [[background(x, y) for x in range(WIDTH)] for y in range(HEIGHT)]
    ink = set()
    left = (WIDTH - (6 * 5 + 5) * LETTER_SCALE) // 2
    for position, character in enumerate("BURROW"):
        _, glyph = glyphs[character]
        for gy in range(7):
            for gx in range(5):
                if glyph[gy] >> gx & 1:
                    for y in range(LETTER_SCALE):
                        for x in range(LETTER_SCALE):
                            ink.add((left + (6 * position + gx) * LETTER_SCALE + x, 24 + gy * LETTER_SCALE + y))
    for x, y in ink:
        for dx in range(-2, 3):
            for dy in range(-2, 5):
                if (x + dx, y + dy) not in ink:
                    rows[y + dy][x + dx] = 10
    for x, y in ink:
        edge = (x, y - 1) not in ink or (x - 1, y) not in ink
        low = (x, y + 1) not in ink or (x + 1, y) not in ink
        rows[y][x] = 5 if edge and y < 42 else 15 if low else 14 if y < 38 else 13
    return rows


def cut(rows):
    """Shared 8x8 tiles and the 30x20 map of them."""
    tiles, cells = {(0,) * 8: 0}, []
    for tile_y in range(20):
        for tile_x in range(30):
            words = tuple(sum(rows[8 * tile_y + r][8 * tile_x + c] << (4 * c) for c in range(8)) for r in range(8))
            cells.append(tiles.setdefault(words, len(tiles)))
    return [word for tile in tiles for word in tile], cells
