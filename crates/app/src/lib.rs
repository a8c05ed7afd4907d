//! The product's verbs: look up, track, sync, assess.
