// Heart, drop and sparkle, as distances to their outlines (after Quilez, "2D distance functions").

in vec2 spot;
in vec4 colour;
flat in float shape;
out vec4 seen;

float heart(vec2 p) {
    p = vec2(abs(p.x), p.y + 0.92) / 1.62;
    if (p.y + p.x > 1.0) return 1.62 * (length(p - vec2(0.25, 0.75)) - 0.3535534);
    vec2 a = p - vec2(0.0, 1.0);
    vec2 b = p - 0.5 * max(p.x + p.y, 0.0);
    return 1.62 * sqrt(min(dot(a, a), dot(b, b))) * sign(p.x - p.y);
}

float drop(vec2 p) {
    float round = length(p - vec2(0.0, -0.38)) - 0.52;
    float tip = abs(p.x) - 0.52 * clamp((0.95 - p.y) / 1.33, 0.0, 1.0) * 0.98;
    return p.y > -0.30 ? max(min(round, tip), p.y - 0.95) : round;
}

void main() {
    float inside;
    vec3 c = colour.rgb;
    float thick = 1.0;
    if (shape > 1.5) {
        // Four rays: bright in the middle, gone at the ends; light is added, nothing covered.
        vec2 p = abs(spot);
        float ray = max(1.0 - 2.2 * sqrt(sqrt(p.x) * sqrt(p.y) + 0.004), 0.0);
        float fade = max(1.0 - length(spot), 0.0);
        inside = clamp(2.2 * ray * fade + 0.9 * exp(-42.0 * dot(spot, spot)), 0.0, 1.0);
        thick = 0.35;
    } else if (shape > 0.5) {
        float d = drop(spot);
        inside = 1.0 - smoothstep(-0.04, 0.03, d);
        float glint = 1.0 - smoothstep(0.06, 0.13, length(spot - vec2(-0.2, -0.28)));
        c = mix(c * (0.75 + 0.45 * smoothstep(-0.45, 0.0, d)), vec3(1.0), 0.85 * glint);
    } else {
        float d = heart(spot);
        inside = 1.0 - smoothstep(-0.04, 0.03, d);
        float glint = 1.0 - smoothstep(0.05, 0.2, length(spot - vec2(-0.4, 0.32)));
        c = mix(c * (0.85 + 0.25 * spot.y), vec3(1.0), 0.55 * glint);
    }
    float a = inside * colour.a;
    seen = vec4(c * a, a * thick);
}
