"""The floor tiles: 24x24 pictures for walls, floors, water, stairs and traps, cut into shared 8x8 tiles.

Ground palette: 0 black, 1-4 wall top from dark to rim, 5-8 wall face, 9-12 floor, 13-14 moss, 15 crack.
Feature palette: 1-5 water from deep to foam, 6-8 wood, 9-12 floor (same as ground), 13 metal, 14 warning, 15 outline.
"""

import random

SIZE = 24
FACE = 11  # height of the wall face below an open edge
DIRECTIONS = [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)]

GROUND_PALETTES = [
    # warm earth
    [(0, 0, 0), (38, 24, 26), (54, 35, 33), (82, 54, 44), (140, 98, 66), (66, 40, 34), (98, 62, 44), (130, 86, 56),
     (168, 120, 76), (112, 86, 62), (150, 118, 82), (168, 136, 96), (188, 156, 112), (86, 118, 58), (130, 158, 76),
     (28, 18, 20)],
    # mossy roots
    [(0, 0, 0), (20, 32, 28), (30, 46, 38), (48, 72, 52), (104, 134, 78), (40, 50, 36), (66, 76, 48), (94, 104, 62),
     (132, 142, 84), (78, 88, 64), (112, 122, 86), (128, 140, 98), (148, 160, 114), (64, 128, 60), (116, 186, 82),
     (14, 22, 20)],
    # blue crystal
    [(0, 0, 0), (22, 24, 48), (32, 36, 68), (50, 58, 102), (112, 138, 196), (40, 42, 78), (62, 68, 112), (88, 98, 148),
     (134, 150, 198), (70, 76, 108), (98, 108, 144), (114, 126, 162), (136, 150, 184), (80, 180, 200), (170, 240, 240),
     (14, 14, 32)],
    # ember deep
    [(0, 0, 0), (36, 14, 18), (54, 20, 24), (86, 32, 32), (180, 80, 50), (58, 24, 28), (92, 38, 36), (128, 56, 44),
     (186, 92, 58), (92, 62, 60), (124, 86, 78), (140, 100, 88), (164, 122, 104), (200, 90, 30), (250, 180, 70),
     (22, 8, 12)],
]
FEATURES = [(0, 0, 0), (24, 62, 112), (36, 92, 150), (58, 128, 184), (110, 180, 214), (206, 238, 244), (92, 56, 34),
            (146, 96, 54), (206, 152, 90), (0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), (158, 164, 178), (222, 70, 62),
            (26, 18, 26)]


def noise(x, y, salt):
    value = (x * 374761393 + y * 668265263 + salt * 1442695041) & 0xFFFFFFFF
    value = ((value ^ (value >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((value ^ (value >> 16)) & 0xFFFF) / 65536


def blobs(salt, count, radius):
    """A field of soft lumps that repeats every tile."""
    chance = random.Random(salt)
    spots = [(chance.uniform(0, SIZE), chance.uniform(0, SIZE), chance.uniform(*radius)) for _ in range(count)]

    def at(x, y):
        best = 9.0
        for spot_x, spot_y, size in spots:
            dx = min(abs(x - spot_x), SIZE - abs(x - spot_x))
            dy = min(abs(y - spot_y), SIZE - abs(y - spot_y))
            best = min(best, (dx * dx + dy * dy) ** 0.5 / size)
        return best

    return at


FLOOR_LUMPS = [blobs(salt, 4, (2.0, 3.4)) for salt in (3, 8, 21, 34)]
WALL_LUMPS = [blobs(salt, 7, (2.4, 4.2)) for salt in (5, 13, 55)]


def floor_pixel(variant, shaded, x, y):
    value = 11
    lump = FLOOR_LUMPS[variant](x, y)
    if variant in (1, 3) and lump < 1:
        value = 12 if lump < 0.62 else 10
    elif noise(x, y, 40 + variant) > 0.93:
        value = 10
    elif noise(x // 2, y, 50 + variant) > 0.95:
        value = 12
    if variant == 2:
        for root_x, root_y in ((7, 9), (15, 16)):
            if y in (root_y, root_y - 1, root_y - 2) and x - root_x in (-2 + (root_y - y) // 2, 0, 2 - (root_y - y) // 2):
                value = 13 if y != root_y - 2 else 14
    if shaded and y < 6:
        value = 9 if y < 3 else 10 if (x + y) % 2 or y < 4 else value
    return value


def is_open(mask, dx, dy):
    return bool(mask >> DIRECTIONS.index((dx, dy)) & 1)


def wall_classes(mask):
    """For the 72x72 pixels around a wall tile: 'top', 'face' or 'open'; bit d of the mask = neighbour d is open."""
    def tile(cx, cy):
        if (cx, cy) == (0, 0):
            return True
        return not is_open(mask, cx, cy)

    def at(x, y):
        cx, cy = x // SIZE, y // SIZE
        if not tile(cx, cy):
            return "open"
        below_open = cy < 1 and not tile(cx, cy + 1)
        return "face" if below_open and y % SIZE >= SIZE - FACE else "top"

    return at


def wall(mask, variant):
    at = wall_classes(mask)
    rows = []
    for y in range(SIZE):
        row = []
        for x in range(SIZE):
            kind = at(x, y)
            if kind == "face":
                depth = y - (SIZE - FACE)
                stone_row = depth // 4
                seam = (x + (stone_row % 2) * 4) % 8 == 0 or depth % 4 == 3
                value = 8 if depth == 0 else 5 if depth >= FACE - 2 else 5 if seam else 7 if depth < 4 else 6
                if value == 6 and noise(x, y, 9) > 0.8:
                    value = 7
                if at(x - 1, y) == "open" or at(x + 1, y) == "open":
                    value = max(5, value - 1)
            else:
                distance = 5
                for reach in (1, 2, 3):
                    if distance < 5:
                        break
                    for dx in range(-reach, reach + 1):
                        for dy in range(-reach, reach + 1):
                            if dx * dx + dy * dy <= reach * reach + 1 and at(x + dx, y + dy) != "top":
                                distance = reach
                lump = WALL_LUMPS[variant](x, y)
                value = 1 if lump > 0.8 else 2
                if lump < 0.35:
                    value = 2 if noise(x, y, 3) < 0.8 else 3
                value = {1: 4, 2: 3, 3: 2}.get(distance, value)
            row.append(value)
        rows.append(row)
    return rows


def water(mask):
    """Bit d of the mask = neighbour d is not water."""
    def dry(x, y):
        cx, cy = x // SIZE, y // SIZE
        return (cx, cy) != (0, 0) and is_open(mask, cx, cy)

    rows = []
    for y in range(SIZE):
        row = []
        for x in range(SIZE):
            distance = 9.0
            for dx in range(-7, 8):
                for dy in range(-7, 8):
                    if dry(x + dx, y + dy):
                        distance = min(distance, (dx * dx + dy * dy) ** 0.5)
            wobble = 0.8 * (noise(x // 3, y // 3, 77) - 0.5)
            distance += wobble
            if distance < 2.2:
                value = 11 if distance < 1.4 else 9
            elif distance < 3.4:
                value = 5
            elif distance < 5:
                value = 4
            else:
                wave = (y + (x // 6) % 2 * 3) % 8
                value = 3 if wave == 2 and x % 6 in (1, 2, 3) else 2 if distance < 7 else 1
                if wave == 5 and x % 6 in (3, 4) and distance >= 7:
                    value = 2
            row.append(value)
        rows.append(row)
    return rows


def stairs():
    """A dug hole with wooden steps leading down."""
    rows = [[floor_pixel(0, False, x, y) for x in range(SIZE)] for y in range(SIZE)]
    for y in range(3, 22):
        for x in range(2, 22):
            edge = x in (2, 21) or y in (3, 21)
            rows[y][x] = 15 if edge else 0
    for step in range(4):
        top = 17 - 4 * step
        inset = 3 + 2 * step
        for y in range(top, top + 4):
            for x in range(inset, SIZE - inset):
                shade = 8 if y == top else 7 if y < top + 3 else 6
                rows[y][x] = max(6, shade - step // 2) if y != top + 3 else 15 if step else 6
    return rows


def trap(kind):
    rows = [[floor_pixel(0, False, x, y) for x in range(SIZE)] for y in range(SIZE)]
    for y in range(5, 20):
        for x in range(4, 20):
            border = x in (4, 19) or y in (5, 19)
            rows[y][x] = 15 if border else 13 if y == 6 or x == 5 else 9
    center_x, center_y = 11.5, 12.5
    for y in range(7, 19):
        for x in range(6, 18):
            dx, dy = x - center_x, y - center_y
            far = (dx * dx + dy * dy) ** 0.5
            if kind == "spike":
                if (x % 4 == 3 and y % 4 in (2, 3)) or (x % 4 in (2, 3, 0) and y % 4 == 0 and y > 7):
                    rows[y][x] = 13 if y % 4 else 15
            elif kind == "slumber":
                if (y in (9, 16) and 8 <= x <= 15) or (9 <= y <= 16 and x == 24 - y - 1):
                    rows[y][x] = 5
            elif kind == "pitfall":
                if far < 5.2:
                    rows[y][x] = 0 if far < 4.2 else 15
            elif kind == "warp":
                if 2.2 < far < 3.4 or 4.6 < far < 5.6 or far < 1:
                    rows[y][x] = 4 if far > 4 else 5
            elif kind == "poison":
                if far < 4.6 and not (far < 2 and dx < 0):
                    rows[y][x] = 14 if far > 2.2 or dx > 0 else 13
            else:
                if abs(dx) < 1 or abs(dy) < 1:
                    rows[y][x] = 14
    return rows


TRAPS = ["spike", "slumber", "pitfall", "warp", "poison", "plain"]


class Sheet:
    """Collects 8x8 tiles without repeats, and 24x24 tiles as nine entries (tile, palette in bits 12-15)."""

    def __init__(self):
        self.tiles = {(0,) * 8: 0}
        self.entries = {}

    def add(self, rows, bank):
        nine = []
        for tile_y in range(3):
            for tile_x in range(3):
                words = tuple(sum(rows[8 * tile_y + r][8 * tile_x + c] << (4 * c) for c in range(8)) for r in range(8))
                index = self.tiles.setdefault(words, len(self.tiles))
                nine.append(index | bank << 12)
        return self.entries.setdefault(tuple(nine), len(self.entries))


def build():
    sheet = Sheet()
    sheet.add([[0] * SIZE for _ in range(SIZE)], 0)
    floors = [sheet.add([[floor_pixel(v, s, x, y) for x in range(SIZE)] for y in range(SIZE)], 0)
              for s in (False, True) for v in range(4)]
    inner = [sheet.add(wall(0, variant), 0) for variant in range(3)]
    walls = [sheet.add(wall(mask, 0), 0) for mask in range(256)]
    waters = []
    seen = {}
    for mask in range(256):
        key = mask
        for corner, sides in ((1, (0, 2)), (3, (2, 4)), (5, (4, 6)), (7, (6, 0))):
            if any(mask >> side & 1 for side in sides):
                key |= 1 << corner
        if key not in seen:
            seen[key] = sheet.add(water(key), 2)
        waters.append(seen[key])
    step = sheet.add(stairs(), 2)
    traps = [sheet.add(trap(kind), 2) for kind in TRAPS]
    return sheet, floors, inner, walls, waters, step, traps
