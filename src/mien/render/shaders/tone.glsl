// Up to 0.75 as it is; what is brighter approaches 1.
vec3 shoulder(vec3 c) {
    vec3 over = max(c - 0.75, 0.0) * 4.0;
    return min(c, 0.75) + 0.25 * over / (1.0 + over);
}
