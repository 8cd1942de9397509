//! The kinds of index that a silo can have, and how each is made and asked.

/// A kind of index. Each is a trade between what a search costs, what it finds and the memory it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Every vector is looked at; finds the true nearest ones.
    #[default]
    Flat,
    /// A graph of neighbours over whole vectors.
    Hnsw,
    /// A graph of neighbours over vectors of one byte a number.
    HnswSq8,
    /// Lists of whole vectors, of which some are looked at.
    IvfFlat,
    /// Lists of vectors of one byte a number.
    IvfSq8,
    /// Lists of short codes, and whole vectors to choose among the best.
    IvfPq,
}

/// Fewer vectors than this are looked at one by one, which costs no more than a graph does.
const HNSW_FROM: usize = 2_048;
/// More vectors than this are kept as short codes.
const IVF_PQ_FROM: usize = 400_000;
/// Vectors that a centre needs to be learnt from; with fewer, FAISS complains.
const ROWS_PER_CENTRE: usize = 39;
/// Values of a code of four bits; each stands for a centre.
const CODES: usize = 16;
/// The most lists.
const LISTS_MAX: usize = 4_096;

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 6] = [Kind::Flat, Kind::Hnsw, Kind::HnswSq8, Kind::IvfFlat, Kind::IvfSq8, Kind::IvfPq];

    /// The name in the config and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Flat => "flat",
            Kind::Hnsw => "hnsw",
            Kind::HnswSq8 => "hnsw-sq8",
            Kind::IvfFlat => "ivf-flat",
            Kind::IvfSq8 => "ivf-sq8",
            Kind::IvfPq => "ivf-pq",
        }
    }

    /// The kind of this name; `auto` is none.
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What `auto` means for this many vectors.
    pub fn for_size(count: usize) -> Kind {
        match count {
            0..HNSW_FROM => Kind::Flat,
            HNSW_FROM..=IVF_PQ_FROM => Kind::Hnsw,
            _ => Kind::IvfPq,
        }
    }

    /// Whether it learns from its first vectors, and so cannot begin without any.
    pub fn is_trained(self) -> bool {
        self.rows_min() > 0
    }

    /// Whether it is a graph of neighbours.
    pub fn is_graph(self) -> bool {
        matches!(self, Kind::Hnsw | Kind::HnswSq8)
    }

    /// The fewest vectors that it can be made of.
    pub fn rows_min(self) -> usize {
        match self {
            Kind::Flat | Kind::Hnsw => 0,
            Kind::HnswSq8 => 1,
            Kind::IvfFlat | Kind::IvfSq8 => ROWS_PER_CENTRE,
            Kind::IvfPq => ROWS_PER_CENTRE * CODES,
        }
    }

    /// This kind, or `Flat` where there are too few vectors for it.
    pub fn fitting(self, count: usize) -> Kind {
        if count < self.rows_min() { Kind::Flat } else { self }
    }

    /// What FAISS's `index_factory` makes of it.
    pub(crate) fn description(self, dimensions: usize, count: usize) -> String {
        let lists = lists(count);
        match self {
            Kind::Flat => "Flat".to_string(),
            Kind::Hnsw => "HNSW32,Flat".to_string(),
            Kind::HnswSq8 => "HNSW32,SQ8".to_string(),
            Kind::IvfFlat => format!("IVF{lists},Flat"),
            Kind::IvfSq8 => format!("IVF{lists},SQ8"),
            Kind::IvfPq => format!("IVF{lists},PQ{}x4fs,RFlat", parts(dimensions)),
        }
    }

    /// What the file begins with, and what an index within it begins with, where the kind is one around another.
    pub(crate) fn marks(self) -> (&'static [u8; 4], Option<&'static [u8; 4]>) {
        match self {
            Kind::Flat => (b"IxF2", None),
            Kind::Hnsw => (b"IHNf", None),
            Kind::HnswSq8 => (b"IHNs", None),
            Kind::IvfFlat => (b"IwFl", None),
            Kind::IvfSq8 => (b"IwSq", None),
            Kind::IvfPq => (b"IxRF", Some(b"IwPf")),
        }
    }

    /// How thoroughly it builds; a name and a value for FAISS.
    pub(crate) fn diligence(self) -> Option<(&'static str, u32)> {
        self.is_graph().then_some(("efConstruction", 64))
    }

    /// How thoroughly it searches: names and values for FAISS, for this many vectors.
    pub(crate) fn effort(self, count: usize) -> Vec<(&'static str, u32)> {
        match self {
            Kind::Flat => Vec::new(),
            Kind::Hnsw | Kind::HnswSq8 => vec![("efSearch", 40)],
            Kind::IvfFlat | Kind::IvfSq8 => vec![("nprobe", probes(count))],
            Kind::IvfPq => vec![("nprobe", probes(count)), ("k_factor_rf", 8)],
        }
    }
}

fn lists(count: usize) -> usize {
    (4 * count.isqrt()).min(count / ROWS_PER_CENTRE).clamp(1, LISTS_MAX)
}

fn probes(count: usize) -> u32 {
    u32::try_from(lists(count).div_ceil(32).max(4)).unwrap_or(4)
}

/// Parts that a vector is cut into: each becomes a code of four bits.
fn parts(dimensions: usize) -> usize {
    [4, 2, 1].into_iter().find(|width| dimensions.is_multiple_of(*width)).map_or(dimensions, |width| dimensions / width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
        assert_eq!(Kind::named("auto"), None);
    }

    #[test]
    fn the_kind_follows_the_size() {
        assert_eq!(Kind::for_size(0), Kind::Flat);
        assert_eq!(Kind::for_size(2_047), Kind::Flat);
        assert_eq!(Kind::for_size(2_048), Kind::Hnsw);
        assert_eq!(Kind::for_size(400_000), Kind::Hnsw);
        assert_eq!(Kind::for_size(400_001), Kind::IvfPq);
    }

    #[test]
    fn too_few_vectors_for_a_kind_are_kept_flat() {
        for kind in Kind::ALL {
            assert_eq!(kind.fitting(kind.rows_min()), kind);
            assert!(kind.rows_min() == 0 || kind.fitting(kind.rows_min() - 1) == Kind::Flat);
        }
    }
}
