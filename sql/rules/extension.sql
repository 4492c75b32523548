-- extension: a pattern of the extension of a file name: letters first, so that the 94 of clip_59.94fps_h264 is none.
SET VARIABLE extension = '\.[A-Za-z][A-Za-z0-9]{0,4}$';
