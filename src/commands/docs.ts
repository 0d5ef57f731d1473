export async function docsCommand(_check: boolean, _print: (text: string) => 0): Promise<number> {
  return 1;
}
