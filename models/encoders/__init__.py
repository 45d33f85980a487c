"""Networks and maths that turn images, text and audio into conditioning."""
