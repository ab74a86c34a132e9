"""The design that mien continues: a JPEG by multipart POST, FaceMesh in static mode, JSON back.

Started by the wire benchmark as its reference: ``uvicorn benchmarks.original:app``.
"""

from __future__ import annotations

import io
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, File, UploadFile
from mediapipe.python.solutions.face_mesh import FaceMesh
from PIL import Image

app = FastAPI()
_mesh = FaceMesh(static_image_mode=True, refine_landmarks=True, max_num_faces=1)


@app.get("/health")
def health() -> dict[str, str]:
    """Answers when the server is up."""
    return {"status": "ok"}


@app.post("/infer")
async def infer(file: Annotated[UploadFile, File()]) -> dict[str, Any]:
    """478 landmarks of the first face as nested lists."""
    image = np.asarray(Image.open(io.BytesIO(await file.read())).convert("RGB"))
    faces = _mesh.process(image).multi_face_landmarks
    points = [[p.x, p.y, p.z] for p in faces[0].landmark] if faces else []
    return {"landmarks": points}
