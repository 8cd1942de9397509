"""Reads font.txt and yields (character, width, nine row bytes); bit 0 of a row is the leftmost pixel."""

FIRST, LAST = 32, 127
ROWS = 9


def read(path):
    lines = path.read_text().split("\n")
    glyphs = {" ": (3, [0] * ROWS)}
    index = 0
    while index < len(lines):
        if not lines[index].startswith("= "):
            index += 1
            continue
        characters = lines[index][2:]
        band = [line.ljust(6 * len(characters)) for line in lines[index + 1:index + 1 + ROWS]]
        for position, character in enumerate(characters):
            cells = [row[6 * position:6 * position + 6] for row in band]
            inked = [x for x in range(6) if any(cell[x] == "#" for cell in cells)]
            left, right = (min(inked), max(inked)) if inked else (0, 2)
            rows = [sum(1 << (x - left) for x in range(left, right + 1) if cell[x] == "#") for cell in cells]
            glyphs[character] = (right - left + 1, rows)
        index += 1 + ROWS
    for digit in "0123456789":
        width, rows = glyphs[digit]
        shift = (5 - width) // 2
        glyphs[digit] = (5, [row << shift for row in rows])
    return glyphs


def table(path):
    glyphs = read(path)
    missing = glyphs["?"]
    return [glyphs.get(chr(code), missing) for code in range(FIRST, LAST)]
