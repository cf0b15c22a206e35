"""NTU RGB+D's masked depth as its released weights saw it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.core.frames import DepthImage
from motionrgbd.models.recipe import MaskedJetDepth


class PersonCrop:
    """Wraps masked depth to 8 bits, crops it around the person, colours it with JET.

    The person is the top-left-most contour larger than `min_contour_px`. Where a frame has none
    (the released code fails there) the last crop stays, at first the middle of the picture.
    """

    def __init__(self, mapping: MaskedJetDepth) -> None:
        self._mapping = mapping
        self.reset()

    def reset(self) -> None:
        """Forget the person's place."""
        self._center: tuple[float, float] | None = None

    def picture(self, depth: DepthImage) -> NDArray[np.uint8]:
        """Return uint8 (h, w, 3) in OpenCV's channel order, as the released network takes it."""
        codes = (depth.astype(np.int64) * 255 % 256).astype(np.uint8)
        crop_w = min(self._mapping.crop_px[0], depth.shape[1])
        crop_h = min(self._mapping.crop_px[1], depth.shape[0])
        x, y = self._find(codes)
        left = int(np.clip(x - crop_w / 2, 0, depth.shape[1] - crop_w))
        top = int(np.clip(y - crop_h / 2, 0, depth.shape[0] - crop_h))
        cut = codes[top : top + crop_h, left : left + crop_w]
        return np.asarray(cv2.applyColorMap(cut, cv2.COLORMAP_JET), np.uint8)

    def _find(self, codes: NDArray[np.uint8]) -> tuple[float, float]:
        contours, _ = cv2.findContours(
            (codes > 0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
        )
        centers = [
            cv2.minAreaRect(contour)[0]
            for contour in contours
            if cv2.contourArea(contour) > self._mapping.min_contour_px
        ]
        if centers:
            self._center = (min(c[0] for c in centers), min(c[1] for c in centers))
        return self._center or (codes.shape[1] / 2, codes.shape[0] / 2)
