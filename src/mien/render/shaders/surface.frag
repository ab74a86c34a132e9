// A fragment: colour, texture, light. The result is linear, multiplied with its alpha.

uniform vec4 colour;
uniform vec3 emissive;

in vec2 uv;
#ifdef TEXTURE
uniform sampler2D picture;
#endif
#ifdef CUT
uniform float cutoff;
#endif
#ifdef VERTEX_LIT
in vec3 matt;
in vec3 shine;
#else
in vec3 at;
in vec3 facing;
in float open;
#endif
#ifdef BUMPS
in vec4 along;
uniform sampler2D bumps;
#endif

out vec4 seen;

// Up to 0.75 as it is; what is brighter approaches 1.
vec3 shoulder(vec3 c) {
    vec3 over = max(c - 0.75, 0.0) * 4.0;
    return min(c, 0.75) + 0.25 * over / (1.0 + over);
}

void main() {
    vec4 base = colour;
#ifdef TEXTURE
    base *= texture(picture, uv);
#endif
#ifdef CUT
    if (base.a < cutoff) discard;
#endif
#ifndef BLEND
    base.a = 1.0;
#endif
#ifdef UNLIT
    vec3 result = base.rgb + emissive;
#else
  #ifndef VERTEX_LIT
    vec3 matt;
    vec3 shine;
    vec3 n = facing;
    #ifdef FACETED
    n = cross(dFdx(at), dFdy(at));
    if (dot(n, viewer.w > 0.5 ? viewer.xyz - at : viewer.xyz) < 0.0) n = -n;
    #endif
    #ifdef BUMPS
    vec3 bump = texture(bumps, uv).xyz * 2.0 - 1.0;
    vec3 up = normalize(facing);
    vec3 side = cross(up, along.xyz) * along.w;
    n = normalize(along.xyz) * bump.x + normalize(side) * bump.y + up * bump.z;
    #endif
    light(n, at, open, matt, shine);
  #endif
    vec3 result = shoulder(base.rgb * matt + shine + emissive);
#endif
    seen = vec4(result * base.a, base.a);
}
