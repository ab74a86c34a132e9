// A vertex: morph targets, skin, place in the world, and, where triangles are small, its light.

uniform mat4 project;
uniform mat4 place;
uniform mat3 turn;

in vec3 position;
in vec3 normal;
in vec2 texcoord;
in float openness;

#ifdef MORPH
in ivec2 span;                 // which entries are this vertex's
uniform sampler2D moves;       // xyz added at weight 1, w: of which target
uniform sampler2D turns;       // the same of the normal
uniform sampler2D weights;
#endif

#ifdef SKIN
in ivec4 joints;
in vec4 shares;
uniform sampler2D bones;       // three rows of a matrix for each joint
#endif

#ifdef BUMPS
in vec4 tangent;
out vec4 along;
#endif

out vec2 uv;
#ifdef VERTEX_LIT
// Triangles are so small that perspective within them cannot be seen, and costs a division.
noperspective out vec3 shine;
  #ifdef TEXTURE
noperspective out vec3 matt;
  #else
uniform vec3 emissive;
  #endif
uniform vec4 colour;
#else
out vec3 at;
out vec3 facing;
out float open;
#endif

#ifdef SKIN
mat4 bone(int joint) {
    int i = 3 * joint;
    return transpose(mat4(
        texelFetch(bones, ivec2(i, 0), 0), texelFetch(bones, ivec2(i + 1, 0), 0),
        texelFetch(bones, ivec2(i + 2, 0), 0), vec4(0.0, 0.0, 0.0, 1.0)));
}
#endif

void main() {
    vec3 p = position;
    vec3 n = normal;
#ifdef MORPH
    for (int i = span.x; i < span.y; i++) {
        ivec2 entry = ivec2(i & (ROW - 1), i >> ROW_BITS);
        vec4 move = texelFetch(moves, entry, 0);
        float weight = texelFetch(weights, ivec2(int(move.w), 0), 0).r;
        if (weight != 0.0) {
            p += weight * move.xyz;
            n += weight * texelFetch(turns, entry, 0).xyz;
        }
    }
#endif
#ifdef SKIN
    mat4 bent = shares.x * bone(joints.x) + shares.y * bone(joints.y)
        + shares.z * bone(joints.z) + shares.w * bone(joints.w);
    p = (bent * vec4(p, 1.0)).xyz;
    n = mat3(bent) * n;
#endif
    vec4 world = place * vec4(p, 1.0);
    n = turn * n;
    gl_Position = project * world;
    uv = texcoord;
#ifdef BUMPS
    along.xyz = mat3(place) * tangent.xyz;
  #ifdef SKIN
    along.xyz = mat3(place) * (mat3(bent) * tangent.xyz);
  #endif
    along.w = tangent.w;
#endif
#ifdef VERTEX_LIT
  #ifndef TEXTURE
    vec3 matt;
  #endif
    light(n, world.xyz, openness, colour.rgb, vec2(1.0), matt, shine);
  #ifndef TEXTURE
    shine = shoulder(colour.rgb * matt + shine + emissive);
  #endif
#else
    at = world.xyz;
    facing = n;
    open = openness;
#endif
}
