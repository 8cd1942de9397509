//! What scripts have of Luau's own, and what they do not have.

/// Functions that are no library's.
pub const STANDARD: [&str; 19] = [
    "assert",
    "error",
    "ipairs",
    "next",
    "pairs",
    "pcall",
    "xpcall",
    "select",
    "tonumber",
    "tostring",
    "type",
    "typeof",
    "unpack",
    "rawequal",
    "rawget",
    "rawlen",
    "rawset",
    "setmetatable",
    "getmetatable",
];

/// Libraries and their members.
pub const LIBRARIES: [(&str, &[&str]); 7] = [
    (
        "math",
        &[
            "abs", "acos", "asin", "atan", "atan2", "ceil", "clamp", "cos", "cosh", "deg", "e", "exp", "floor", "fmod",
            "frexp", "huge", "isfinite", "isinf", "isnan", "ldexp", "lerp", "log", "log10", "map", "max", "min",
            "modf", "nan", "noise", "phi", "pi", "pow", "rad", "round", "sign", "sin", "sinh", "sqrt", "sqrt2", "tan",
            "tanh", "tau",
        ],
    ),
    (
        "string",
        &[
            "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize", "rep",
            "reverse", "split", "sub", "unpack", "upper",
        ],
    ),
    (
        "table",
        &[
            "clear", "clone", "concat", "create", "find", "freeze", "insert", "isfrozen", "move", "pack", "remove",
            "sort", "unpack",
        ],
    ),
    ("bit32", &[]),
    ("utf8", &["char", "charpattern", "codepoint", "codes", "len", "offset"]),
    ("buffer", &[]),
    ("vector", &[]),
];

/// Globals that Luau brings and scripts do not get, and why.
pub const REMOVED: [(&str, &str); 13] = [
    ("io", "skills have no files; what is to be kept goes into memory"),
    ("os", "skills have no clock and no files; time is observe().frame or observe().turns"),
    ("require", "a skill is one file; call(name, arguments) runs another skill"),
    ("debug", "skills do not look into their own machine"),
    ("coroutine", "acts already hand over by themselves"),
    ("loadstring", "a skill is the text that was checked, and no other"),
    ("load", "a skill is the text that was checked, and no other"),
    ("dofile", "a skill is one file; call(name, arguments) runs another skill"),
    ("getfenv", "globals are the same for everybody"),
    ("setfenv", "globals are the same for everybody"),
    ("collectgarbage", "memory is seen to"),
    ("newproxy", "tables with metatables do"),
    ("gcinfo", "memory is seen to"),
];
