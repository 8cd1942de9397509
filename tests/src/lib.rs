//! Whole-program journeys, faults, soak and conformance. What they share lives here.
