"""Turns a heap of ellipsoids into a shaded, outlined sprite, so that one model gives all eight directions.

A part is (material, x, y, z, radius x, radius y, radius z): x to the right, y forward, z up, in pixels. Materials A, B
and C are ramps of four shades; W is white, K is black. The picture is a grid of palette indices, 0 transparent.
"""

import math

OUTLINE, WHITE, BLACK = 1, 14, 15
RAMP_START = {"A": 2, "B": 6, "C": 10}
PITCH_SIN, PITCH_COS = 0.62, 0.78
LIGHT = (-0.18, 0.42, 0.89)
FORWARD = [(0, 1), (0.707, 0.707), (1, 0), (0.707, -0.707), (0, -1)]  # south, south-east, east, north-east, north


def hit(parts, forward, screen_x, screen_y):
    """The nearest part under a screen point: (depth, part index, normal) or None."""
    forward_x, forward_y = forward
    best = None
    origin = (screen_x, screen_y * PITCH_SIN, -screen_y * PITCH_COS)
    ray = (0.0, PITCH_COS, PITCH_SIN)
    for index, (_, px, py, pz, rx, ry, rz) in enumerate(parts):
        center_x = px * forward_y + py * forward_x
        center_y = -px * forward_x + py * forward_y
        ox, oy, oz = origin[0] - center_x, origin[1] - center_y, origin[2] - pz
        local = ((ox * forward_y - oy * forward_x) / rx, (ox * forward_x + oy * forward_y) / ry, oz / rz)
        turned = ((ray[0] * forward_y - ray[1] * forward_x) / rx, (ray[0] * forward_x + ray[1] * forward_y) / ry,
                  ray[2] / rz)
        a = sum(value * value for value in turned)
        b = sum(l * t for l, t in zip(local, turned))
        c = sum(value * value for value in local) - 1
        disc = b * b - a * c
        if disc < 0:
            continue
        depth = (-b + math.sqrt(disc)) / a
        if best is None or depth > best[0]:
            nx, ny, nz = [(l + depth * t) / r for l, t, r in zip(local, turned, (rx, ry, rz))]
            world = (nx * forward_y + ny * forward_x, -nx * forward_x + ny * forward_y, nz)
            length = math.sqrt(sum(value * value for value in world)) or 1
            best = (depth, index, tuple(value / length for value in world))
    return best


def color(material, normal, crease):
    if material == "W":
        return WHITE
    if material == "K":
        return BLACK
    light = max(0.0, sum(n * l for n, l in zip(normal, LIGHT)))
    shade = 0 if light > 0.86 else 1 if light > 0.58 else 2 if light > 0.28 else 3
    return RAMP_START[material] + min(3, shade + crease)


def render(parts, direction, size=24, origin=(12, 18), scale=1.0, samples=2):
    forward = FORWARD[direction]
    grid = [[None] * size for _ in range(size)]
    for y in range(size):
        for x in range(size):
            found = []
            for sy in range(samples):
                for sx in range(samples):
                    point_x = (x + (sx + 0.5) / samples - origin[0]) / scale
                    point_y = (y + (sy + 0.5) / samples - origin[1]) / scale
                    got = hit(parts, forward, point_x, point_y)
                    if got:
                        found.append(got)
            if 2 * len(found) >= samples * samples:
                kinds = [parts[got[1]][0] for got in found]
                top = max(sorted(set(kinds)), key=lambda kind: (kinds.count(kind), kind in "WK"))
                grid[y][x] = max((got for got in found if parts[got[1]][0] == top), key=lambda got: got[0])
    picture = [[0] * size for _ in range(size)]
    for y in range(size):
        for x in range(size):
            got = grid[y][x]
            around = [grid[y + dy][x + dx] for dx, dy in ((0, -1), (0, 1), (-1, 0), (1, 0))
                      if 0 <= x + dx < size and 0 <= y + dy < size]
            if got:
                crease = any(other and other[0] - got[0] > 2.2 and other[1] != got[1] for other in around)
                picture[y][x] = color(parts[got[1]][0], got[2], crease)
            elif any(around):
                picture[y][x] = OUTLINE
    return picture


def tiles(picture, width, height):
    """The picture as 8x8 tiles of eight words each, leftmost pixel in the low nibble."""
    words = []
    for tile_y in range(height):
        for tile_x in range(width):
            for row in range(8):
                pixels = picture[8 * tile_y + row][8 * tile_x:8 * tile_x + 8]
                words.append(sum(value << (4 * position) for position, value in enumerate(pixels)))
    return words


def ramp(light, dark):
    return [tuple(round(l + (d - l) * step / 3) for l, d in zip(light, dark)) for step in range(4)]


def palette(outline, a, b, c, white=(250, 248, 236), black=(24, 18, 26)):
    return [(0, 0, 0), outline, *ramp(*a), *ramp(*b), *ramp(*c), white, black]
