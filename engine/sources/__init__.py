"""Where users come from: one module for each kind of file, behind one protocol (``base.Source``)."""
