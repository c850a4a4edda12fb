//! The inbound recipe: frame → message → journal → acknowledgment.
