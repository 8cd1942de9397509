//! One question of a batch: tokens, and the pictures that they speak of.

/// A picture as the vision tower takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchedPicture {
    /// `grid[0] * grid[1] * grid[2]` patches, each of channels × frames × patch side × patch side values, normalised. Patches
    /// that become one visual token follow each other: row-major within it, then from token to token. Within a patch the
    /// order is channel, frame, line, column.
    pub patches: Vec<f32>,
    /// How many patches there are: frames (in pairs), rows, columns. Rows and columns are multiples of the merge size.
    pub grid: [usize; 3],
}

/// A prompt and how long its answer may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Token ids, with one place (the id of `<|image_pad|>`) for each visual token of each picture.
    pub tokens: Vec<u32>,
    /// The pictures, in the order of their places.
    pub pictures: Vec<PatchedPicture>,
    /// The most tokens that are answered, the last one included.
    pub max_new_tokens: usize,
}
