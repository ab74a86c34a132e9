// How a surface answers light: `matt` is multiplied with the surface's colour, `shine` added.

uniform vec4 viewer;           // a place (w 1), or the direction to it (w 0)
uniform vec3 towards[LIGHTS];
uniform vec3 glow[LIGHTS];
uniform vec3 sky;
uniform vec3 ground;
uniform vec3 rim;
uniform float roughness;
uniform float metallic;

// `tint` is what metal shines in; `surface` is multiplied with roughness and metal.
void light(vec3 n, vec3 p, float open, vec3 tint, vec2 surface, out vec3 matt, out vec3 shine) {
    float rough = roughness * surface.x;
    float metal = metallic * surface.y;
    n = normalize(n);
    vec3 v = viewer.w > 0.5 ? normalize(viewer.xyz - p) : viewer.xyz;
#ifdef BOTH_SIDES
    if (dot(n, v) < 0.0) n = -n;
#elif defined(VERTEX_LIT)
    if (dot(n, v) < -0.4) {  // a vertex on the far side
        matt = shine = vec3(0.0);
        return;
    }
#endif
    float nv = clamp(dot(n, v), 0.0, 1.0);
    vec3 around = mix(ground, sky, n.y * 0.5 + 0.5);
    float graze = 1.0 - nv;
    float edge = graze * graze * graze;
    matt = around * open;
    shine = vec3(0.0);

#if defined(SKIN_LIKE)
    // Light that went in leaves elsewhere: it wraps around the form, red the farthest. The wrapped
    // cosine keeps its energy as in Valve's half lambert (Mitchell, "Shading in Valve's Source
    // Engine", 2006); the three widths imitate the profiles of Jimenez' separable scattering.
    const vec3 wrap = vec3(0.42, 0.20, 0.14);
    const float f0 = 0.028;
    float a = max(rough, 0.35);
#elif defined(CLAY)
    const vec3 wrap = vec3(0.15);
    const float f0 = 0.02;
    float a = 0.75;
#elif defined(EYE)
    const vec3 wrap = vec3(0.25);
    const float f0 = 0.04;
    float a = 0.08;
#else
    const vec3 wrap = vec3(0.08);
    float f0 = 0.04;
    float a = max(rough, 0.1);
#endif
    // Specular: GGX with the visibility term of Unity's mobile shader (Karis and Lazarov's
    // approximations), without a power or a root.
    float a2 = a * a * a * a;
    float slope = a2 - 1.0;
    float widen = 4.0 * a + 2.0;
    vec3 fall = vec3(mix(1.0, open, 0.55));
#ifdef SKIN_LIKE
    fall = mix(fall, sqrt(fall), vec3(0.8, 0.25, 0.15));  // what is in a fold is lit through skin
#endif
    for (int i = 0; i < LIGHTS; i++) {
        float nl = dot(n, towards[i]);
        vec3 soft = max((nl + wrap) / (1.0 + wrap), 0.0);
        matt += glow[i] * fall * soft;
        float lit = max(nl, 0.0);
        vec3 h = normalize(towards[i] + v);
        float nh = clamp(dot(n, h), 0.0, 1.0);
        float lh = clamp(dot(towards[i], h), 0.0, 1.0);
        float d = nh * nh * slope + 1.0;
        shine += glow[i] * (lit * open * min(a2 / (d * d * max(lh * lh, 0.1) * widen), 24.0));
    }
#if defined(EYE)
    // A window up front, so that eyes stay alive under any light.
    vec3 r = reflect(-v, n);
    vec3 gap = r - normalize(vec3(-0.33, 0.42, 0.85));
    float window = smoothstep(0.055, 0.025, dot(gap, gap));
    shine = shine * (f0 + 0.4 * edge) + vec3(0.85) * window * open;
    shine += around * (0.04 + 0.5 * edge) * open;
#elif defined(SKIN_LIKE)
    shine *= f0 + 0.25 * edge;
    shine += rim * edge * open * (0.6 + 0.4 * n.y);
#elif defined(CLAY)
    shine *= f0;
    matt += rim * (0.8 * edge * open);
#else
    vec3 base = mix(vec3(f0), tint, metal);
    float polish = 1.0 - 0.7 * a;
    shine *= base + (1.0 - base) * (0.3 * edge * polish);
    shine += around * open * (base + (1.0 - base) * edge * polish) * mix(0.6, 1.6, metal);
    shine += rim * (0.5 * edge * open);
    matt *= 1.0 - 0.85 * metal;
#endif
}
