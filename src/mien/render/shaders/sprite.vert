// A square that faces the viewer.

uniform mat4 project;
uniform vec3 right;
uniform vec3 up;

in vec2 corner;
in vec3 centre;
in float size;
in float angle;
in vec4 paint;
in float kind;

out vec2 spot;
out vec4 colour;
flat out float shape;

void main() {
    float c = cos(angle), s = sin(angle);
    vec2 turned = vec2(c * corner.x - s * corner.y, s * corner.x + c * corner.y) * size;
    gl_Position = project * vec4(centre + turned.x * right + turned.y * up, 1.0);
    spot = corner;
    colour = paint;
    shape = kind;
}
