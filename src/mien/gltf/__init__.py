"""glTF 2.0, GLB and VRM files <-> :class:`mien.model.Model`."""
