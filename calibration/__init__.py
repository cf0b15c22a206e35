"""Camera geometry: intrinsics, extrinsics, projection and depth-to-colour alignment."""
