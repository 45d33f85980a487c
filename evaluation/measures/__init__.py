"""What is measured of one clip: events, motion, images. Where its video comes from is not known here."""
