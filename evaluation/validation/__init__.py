"""How far the measures themselves can be trusted: what they say of clips whose truth the world knows."""
