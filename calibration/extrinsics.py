"""Where one camera stands as seen from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.errors import CalibrationError

_ROTATION_TOLERANCE = 1e-3  # float32 matrices and six printed decimals stay within it


@dataclass(frozen=True, slots=True)
class Extrinsics:
    """A point p of the first camera is `R p + t` in the second.

    rotation: R, nine numbers, row by row; translation_m: t, metres.
    """

    rotation: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    translation_m: tuple[float, ...] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if len(self.rotation) != 9 or len(self.translation_m) != 3:
            raise CalibrationError(
                f"extrinsics need 9 and 3 numbers, got {len(self.rotation)} "
                f"and {len(self.translation_m)}"
            )
        if not (np.isfinite(self.rotation).all() and np.isfinite(self.translation_m).all()):
            raise CalibrationError("extrinsics must be finite numbers")
        R = self.matrix
        if np.abs(R @ R.T - np.eye(3)).max() > _ROTATION_TOLERANCE or np.linalg.det(R) < 0:
            raise CalibrationError(f"not a rotation: {self.rotation}")

    @property
    def matrix(self) -> NDArray[np.float64]:
        """R as (3, 3)."""
        return np.array(self.rotation, dtype=np.float64).reshape(3, 3)

    @property
    def translation(self) -> NDArray[np.float64]:
        """t as (3,), metres."""
        return np.array(self.translation_m, dtype=np.float64)

    def inverse(self) -> Extrinsics:
        """From the second camera to the first: p = R^T (q - t)."""
        R = self.matrix
        return Extrinsics.of(R.T, -R.T @ self.translation)

    def then(self, second: Extrinsics) -> Extrinsics:
        """First this change of camera, then `second`."""
        R = second.matrix @ self.matrix
        return Extrinsics.of(R, second.matrix @ self.translation + second.translation)

    @classmethod
    def of(cls, rotation: NDArray[Any], translation_m: NDArray[Any]) -> Extrinsics:
        """From R (3, 3) and t (3,)."""
        return cls(
            tuple(float(r) for r in np.ravel(rotation)),
            tuple(float(t) for t in np.ravel(translation_m)),
        )

    @classmethod
    def from_quaternion(
        cls, xyzw: tuple[float, float, float, float], t: NDArray[Any]
    ) -> Extrinsics:
        """From a unit quaternion (x, y, z, w) and t (3,), metres."""
        norm = float(np.linalg.norm(xyzw))
        if not 0.5 < norm < 2.0:
            raise CalibrationError(f"not a unit quaternion: {xyzw}")
        x, y, z, w = (float(q) / norm for q in xyzw)
        R = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
        return cls.of(np.array(R), t)

    def to_json(self) -> dict[str, Any]:
        return {"rotation": list(self.rotation), "translation_m": list(self.translation_m)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Extrinsics:
        """Undo `to_json`; raises `CalibrationError` naming a missing or misshapen entry."""
        try:
            return cls(
                tuple(float(r) for r in fields["rotation"]),
                tuple(float(t) for t in fields["translation_m"]),
            )
        except KeyError as missing:
            raise CalibrationError(f"extrinsics lack {missing}") from None
        except CalibrationError:
            raise
        except (TypeError, ValueError) as problem:
            raise CalibrationError(f"extrinsics are not numbers: {problem}") from None
