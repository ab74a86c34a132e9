/** The text of a shader. */
declare module "*.frag?raw" {
  const text: string;
  export default text;
}
