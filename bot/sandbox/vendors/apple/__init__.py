"""The parts of the pretend App Store Connect: its nouns, its keys and its JSON:API documents."""
