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
noperspective in vec3 shine;   // without a texture, all of the colour
  #ifdef TEXTURE
noperspective in vec3 matt;
  #endif
#else
in vec3 at;
in vec3 facing;
in float open;
#endif
#ifdef BUMPS
in vec4 along;
uniform sampler2D bumps;
#endif
#ifdef SURFACE
uniform sampler2D surface;     // green: roughness, blue: metal
#endif

out vec4 seen;

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
#elif defined(VERTEX_LIT) && !defined(TEXTURE)
    vec3 result = shine;
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
    vec2 made = vec2(1.0);
    #ifdef SURFACE
    made = texture(surface, uv).gb;
    #endif
    light(n, at, open, base.rgb, made, matt, shine);
  #endif
    vec3 result = shoulder(base.rgb * matt + shine + emissive);
#endif
    seen = vec4(result * base.a, base.a);
}
